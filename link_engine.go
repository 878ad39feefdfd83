package postpress

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// engine is the goroutine that an attempt has of its own. It only decides: the
// waiting is done by waits like those of anybody, one for each account, and the
// requests of a refresh by a goroutine for their duration. All fields are its own.
type engine struct {
	*attempt
	ctx      context.Context // of the attempt: ends by Cancel, or when its time is up
	watching context.Context // of the waits and the looks
	unwatch  func()
	heard    chan report
	renewed  chan renewal
	waits    map[string]time.Time // accounts waited for, and since when
	holds    map[string]bool      // accounts whose looks were held while they were pending
	running  sync.WaitGroup       // waits

	shown      *Checkpoint // the last challenge
	over       bool        // the intent of the current account exists no more
	connecting string      // the account whose phone has answered
	giveUp     time.Time   // until when a new account may take for that; zero: for ever
	doubted    bool        // that was too long: CONNECTING is no sign
	fallen     bool        // a phone has answered in vain: the status it left is no failure of the next

	next      time.Time      // when to refresh; zero: not by itself
	notBefore time.Time      // when the request for it may be sent: the last look may come earlier
	tries     int            // in a row without a new challenge
	lastErr   error          // why the last one failed
	unsure    renewalKey     // of one whose outcome is unknown
	cut       func()         // ends the request of the one that runs; nil where none does
	hold      func()         // keeps that one from sending its request
	asked     []chan<- error // viewers who wait for it

	won *Account // the outcome, or
	why error    // the outcome
}

// connectingLimit is how long a new account may be CONNECTING, which for some is
// the name of pending, before a refresh is tried after all.
const connectingLimit = 2 * time.Minute

func (e *engine) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for e.won == nil && e.why == nil {
		timer.Reset(e.untilDue())
		select {
		case <-e.ctx.Done():
			e.why = e.timeUp()
		case r := <-e.heard:
			e.hear(r)
		case r := <-e.renewed:
			e.renewal(r)
		case answer := <-e.asks:
			e.ask(answer)
		case <-timer.C:
			e.due(time.Now())
		}
	}
	close(e.ending)
	e.halt()
	if e.won == nil && errors.Is(e.why, ErrLinkDetached) {
		e.conclude(nil, nil, e.why)
		return
	}
	e.conclude(e.settle())
}

func (e *engine) timeUp() error {
	why := context.Cause(e.ctx)
	if e.lastErr != nil && errors.Is(why, ErrIntentExpired) {
		return fmt.Errorf("%w; the last refresh: %w", why, e.lastErr)
	}
	return why
}

// untilDue is how long there is nothing to do.
func (e *engine) untilDue() time.Duration {
	wait := time.Hour
	sooner := func(t time.Time) {
		if !t.IsZero() {
			wait = min(wait, time.Until(t))
		}
	}
	if step, _, _ := e.latest(); step.State == LinkShow {
		sooner(step.Checkpoint.ExpiresAt)
	}
	if e.connecting != "" {
		sooner(e.giveUp)
	} else if e.cut == nil {
		sooner(e.next)
	}
	return max(wait, 0)
}

func (e *engine) due(now time.Time) {
	if e.expired(now) {
		e.publish(LinkStep{State: LinkExpired})
	}
	if e.connecting != "" && !e.giveUp.IsZero() && !now.Before(e.giveUp) {
		e.connecting, e.doubted = "", true
		e.fallBack()
	}
	if e.connecting == "" && e.cut == nil && !e.next.IsZero() && !now.Before(e.next) {
		e.renew(false, e.notBefore)
	}
}

// show shows a challenge and watches its account. Without one there is nothing
// left to do but to see the account connected.
func (e *engine) show(id string, cp *Checkpoint) {
	e.over, e.connecting, e.tries, e.lastErr = false, "", 0, nil
	e.doubted = e.doubted && id == e.state().AccountID
	e.note(func(r *LinkRecord) { r.AccountID = id })
	e.wait(id)
	if cp == nil {
		e.connects(id)
		return
	}
	e.shown = cp
	e.publish(LinkStep{State: LinkShow, Checkpoint: cp})
	e.next, e.notBefore = time.Time{}, time.Time{}
	if e.left() > 0 {
		e.next = cp.IssuedAt.Add(e.cfg.refreshAfter(cp.PairingCode != ""))
	}
}

// connects holds everything: the phone of the account has answered.
func (e *engine) connects(id string) {
	if e.connecting == "" {
		e.connecting, e.giveUp = id, time.Time{}
		if e.req.AccountID == "" {
			e.giveUp = time.Now().Add(connectingLimit)
		}
	}
	if e.cut != nil {
		e.hold()
	}
	e.publish(LinkStep{State: LinkConnecting})
}

// fallBack is after a phone that has answered in vain: its challenge is used up.
func (e *engine) fallBack() {
	e.fallen = true
	e.publish(LinkStep{State: LinkExpired})
	e.renewSoon()
}

// renewSoon makes a refresh due, unless one that failed has to wait.
func (e *engine) renewSoon() {
	switch {
	case e.left() <= 0:
		e.next = time.Time{}
		e.publish(LinkStep{State: LinkExpired})
	case e.tries == 0:
		e.next, e.notBefore = time.Now(), time.Time{}
	}
}

// hear takes in what a wait has to tell.
func (e *engine) hear(r report) {
	e.holds[r.id] = e.holds[r.id] || r.held
	switch {
	case r.account != nil:
		e.won = r.account
	case !r.ended.IsZero():
		e.lost(r)
	case r.answers && !e.doubted:
		e.connects(r.id)
	}
}

// lost is what a wait ended with that did not see its account connected.
func (e *engine) lost(r report) {
	began := e.waits[r.id]
	delete(e.waits, r.id)
	if e.watching.Err() != nil {
		return // all of them end
	}
	current := r.id == e.state().AccountID
	if current && e.shown != nil && began.Before(e.shown.IssuedAt) && !r.ended.After(e.shown.IssuedAt) {
		e.wait(r.id) // what it saw was of the challenge before
		return
	}
	if e.connecting == r.id {
		e.connecting = ""
	}
	var wait *WaitError
	err := r.err
	if errors.As(err, &wait) {
		err = wait.Err
	}
	reconnect := e.req.AccountID != ""
	switch {
	case !current: // it was watched in case
		if r.answers && e.connecting == "" {
			e.fallBack()
		}
	case r.answers && errors.Is(err, ErrConnectionFailed):
		e.fallBack()
	case intentOver(err) && !(reconnect && errors.Is(err, ErrNotFound)):
		if !e.over {
			e.over, e.tries = true, 0 // whatever failed before, this is another matter
		}
		e.publish(LinkStep{State: LinkExpired})
		e.renewSoon()
	default:
		e.why = err
	}
}

// ask is a viewer's wish for a new challenge.
func (e *engine) ask(answer chan<- error) {
	switch {
	case e.connecting != "":
		answer <- errConnecting
	case e.cut != nil:
		e.asked = append(e.asked, answer)
	case e.state().Asked >= maxAsked:
		answer <- errAskedTooOften
	default:
		e.note(func(r *LinkRecord) { r.Asked++ })
		e.asked = append(e.asked, answer)
		e.renew(true, time.Time{})
	}
}
