package postpresstest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
)

// maxAnswer is how much of an answer is read, to use its connection again.
const maxAnswer = 64 << 10

// result is what the sender has seen of an attempt.
type result struct {
	status  int
	problem string
	final   bool // it will never be otherwise
}

func (r result) delivered() bool { return r.status == http.StatusOK && r.problem == "" }

// send makes one attempt and sees to the next.
func (d *sender) send(s *shipment) {
	if s.webhookID != "" && !d.webhooks.has(s.webhookID) {
		d.giveUp(s)
		return
	}
	s.attempt++
	fault := d.cfg.webhooks.chaos.attemptFate(s.rnd)
	replica := s.rnd.IntN(len(d.routes.replicas))
	e := d.begin(s, fault, replica)
	d.conclude(s, e, d.try(s, fault, replica))
}

// giveUp ends a shipment whose webhook is gone.
func (d *sender) giveUp(s *shipment) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.last != nil {
		s.last.Outcome = DeliveryLost
	}
	if !d.closed {
		d.ended()
	}
}

// conclude notes how an attempt went and plans another if it failed.
func (d *sender) conclude(s *shipment, e *Delivery, r result) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e.Status, e.Error = r.status, r.problem
	delays := d.cfg.webhooks.delays
	switch {
	case r.delivered():
		e.Outcome = DeliveryDelivered
	case r.final || s.attempt > len(delays):
		e.Outcome = DeliveryLost
	default:
		e.Outcome = DeliveryRetrying
	}
	switch {
	case d.closed:
	case e.Outcome == DeliveryRetrying:
		d.schedule(s, delays[s.attempt-1])
	default:
		d.ended()
	}
}

func (d *sender) try(s *shipment, fault DeliveryFault, replica int) result {
	if why := d.routes.refuse(s.url); why != "" {
		return result{problem: why, final: true}
	}
	if fault == DeliveryLostRequest {
		return result{problem: "the request was lost on the way"}
	}
	r := d.roundTrip(s, fault, replica)
	switch fault {
	case DeliveryCutBody:
		return result{problem: errBroke.Error()} // an answer to half a body would not have been waited for
	case DeliveryLostAnswer:
		r.problem = cmp.Or(r.problem, "the answer was lost on the way")
	}
	return r
}

// roundTrip follows no redirect: it is an answer like any other that is not 200.
func (d *sender) roundTrip(s *shipment, fault DeliveryFault, replica int) result {
	limit := d.cfg.webhooks.timeout
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	resp, err := d.routes.replicas[replica].RoundTrip(s.request(ctx, fault))
	switch {
	case err != nil && ctx.Err() != nil:
		return result{problem: fmt.Sprintf("no answer within %v", limit)}
	case err != nil:
		return result{problem: err.Error()}
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // the status has been said
	_ = resp.Body.Close()
	return result{status: resp.StatusCode}
}
