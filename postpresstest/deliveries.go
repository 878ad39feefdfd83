package postpresstest

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	postpress "github.com/postpress-ai/postpress-go"
)

// DeliveryOutcome is what an attempt to deliver a webhook has come to.
type DeliveryOutcome string

const (
	// DeliverySending means that there is no answer yet.
	DeliverySending DeliveryOutcome = "sending"
	// DeliveryDelivered means that the sender has seen exactly 200 in time.
	DeliveryDelivered DeliveryOutcome = "delivered"
	// DeliveryRetrying means that the attempt failed and another one follows.
	DeliveryRetrying DeliveryOutcome = "retrying"
	// DeliveryLost means that the event was given up: after the last attempt, because
	// the webhook was deleted, or because the double refuses its URL.
	DeliveryLost DeliveryOutcome = "lost"
)

// DeliveryFault is what [WebhookChaos] did to an attempt.
type DeliveryFault string

const (
	// DeliveryLostRequest means that nothing was sent.
	DeliveryLostRequest DeliveryFault = "lost_request"
	// DeliveryLostAnswer means that the sender has not seen the answer.
	DeliveryLostAnswer DeliveryFault = "lost_answer"
	// DeliveryCutBody means that half of the body was sent.
	DeliveryCutBody DeliveryFault = "cut_body"
)

// A Delivery is one attempt to deliver a webhook.
type Delivery struct {
	Time      time.Time        // when the attempt began
	Event     int              // counts from 1; attempts and duplicates of one event have the same
	WebhookID string           // "" for the notification of a hosted link
	URL       string           // without a password
	AccountID string           // whose change it tells
	Message   postpress.Status // as reported
	Attempt   int              // counts from 1, anew for a duplicate
	Replica   int              // which of several receivers was chosen, from 0
	Header    http.Header      // as listed at creation; all values but the Content-Type are "[redacted]"
	Body      []byte           // as sent
	Status    int              // as answered, even if the answer was lost; 0 without one
	Error     string           // why the attempt failed, if not by its Status
	Outcome   DeliveryOutcome  // so far
	Fault     DeliveryFault    // "" without one
	Duplicate bool             // chaos sends the event once more
	Delayed   bool             // chaos sends the event late
}

// Deliveries returns a copy of the delivery log: the last 10,000 attempts, those
// under way included, in the order in which they began. Those that began in the same
// moment, as they do in a synctest bubble, are ordered by event.
func (s *Server) Deliveries() []Delivery {
	d := s.sender
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]Delivery, len(d.log))
	for i, e := range d.log {
		all[i] = *e
		all[i].Header, all[i].Body = e.Header.Clone(), slices.Clone(e.Body)
	}
	slices.SortStableFunc(all, func(a, b Delivery) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Attempt, b.Attempt))
	})
	return all
}

// WaitDeliveries waits until every account change so far has been delivered to every
// webhook or been lost, retries and chaos included, or until the double is closed.
// The error is that of ctx.
func (s *Server) WaitDeliveries(ctx context.Context) error {
	d := s.sender
	d.mu.Lock()
	idle := d.idle
	d.mu.Unlock()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// opened counts an event, or its duplicate, that is on its way. It needs mu.
func (d *sender) opened() {
	if d.open == 0 {
		d.idle = make(chan struct{})
	}
	d.open++
}

// ended counts one that is no more. It needs mu.
func (d *sender) ended() {
	d.open--
	if d.open == 0 {
		close(d.idle)
		d.idle = nil
	}
}

// begin notes an attempt before it is made, so that one that hangs can be seen.
func (d *sender) begin(s *shipment, fault DeliveryFault, replica int) *Delivery {
	body := s.body
	if fault == DeliveryCutBody {
		body = s.half()
	}
	e := &Delivery{
		Time: time.Now(), Event: s.event, WebhookID: s.webhookID, URL: s.url.Redacted(), AccountID: s.accountID,
		Message: s.message, Attempt: s.attempt, Replica: replica, Header: redacted(s.header), Body: body,
		Outcome: DeliverySending, Fault: fault, Duplicate: s.duplicate, Delayed: s.delayed,
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.log) == maxLog {
		d.log = slices.Delete(d.log, 0, 1)
	}
	d.log = append(d.log, e)
	s.last = e
	return e
}

// redacted hides all values: which header holds the secret is the user's choice.
func redacted(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		if name == "Content-Type" {
			out[name] = slices.Clone(values)
			continue
		}
		out[name] = slices.Repeat([]string{"[redacted]"}, len(values))
	}
	return out
}
