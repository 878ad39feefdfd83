package postpress

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"
)

// Bounds of a refresh.
const (
	renewTimeout  = 90 * time.Second // of its request, with all attempts
	renewPause    = 5 * time.Second  // after one that brought nothing; it doubles
	renewPauseMax = time.Minute
)

// renewalKey is the idempotency key of a refresh, and the account it is for:
// empty where it is for a new one.
type renewalKey struct{ key, id string }

// renewal is what a refresh has brought.
type renewal struct {
	asked    bool // by a viewer
	used     renewalKey
	answered bool     // the last look has found that the phone has answered, and
	account  *Account // the account, where it is connected
	res      *ConnectResult
	err      error
}

// renew begins a refresh, in a goroutine that ends with it: a last look, then
// the request. The request is not cut when the attempt ends, since what it
// creates must be known to be cleaned up.
func (e *engine) renew(asked bool, notBefore time.Time) {
	ctx, cut := context.WithTimeout(context.Background(), renewTimeout)
	looking, hold := context.WithCancel(e.watching)
	e.cut, e.hold = cut, hold
	id, reconnect := e.state().AccountID, e.req.AccountID != ""
	r := renewal{asked: asked, used: e.unsure}
	if r.used == (renewalKey{}) {
		r.used = renewalKey{rand.Text(), id}
		if e.over && !reconnect {
			r.used.id = ""
		}
	}
	telling := (reconnect || e.holds[id]) && !e.doubted // CONNECTING says that the phone has answered
	go func() {
		s, a, _ := e.client.look(looking, id, shortLook)
		if s == sightLinked || s == sightConnecting && telling {
			r.answered, r.account = true, a
		} else if rest(looking, time.Until(notBefore)) {
			r.request(ctx, e.attempt)
		}
		e.renewed <- r
	}()
}

// request asks for a new challenge for the account. Where its intent is over, a
// new account is created, or the one to be linked again is begun with anew.
func (r *renewal) request(ctx context.Context, at *attempt) {
	r.res, r.err = at.client.connectWhatsApp(ctx, at.req, r.used.id, r.used.key)
	if r.err == nil || r.used.id == "" || !intentOver(r.err) {
		return
	}
	again := renewalKey{key: rand.Text()}
	if at.req.AccountID != "" {
		if errors.Is(r.err, ErrNotFound) {
			return
		}
		again.id = r.used.id
	}
	r.used = again
	r.res, r.err = at.client.connectWhatsApp(ctx, at.req, r.used.id, r.used.key)
}

// finished is for a refresh that runs no more, however the attempt goes on: one
// whose outcome is unknown is repeated with its key, and what it created is noted.
func (e *engine) finished(r renewal) {
	e.cut()
	e.hold()
	e.cut, e.unsure = nil, renewalKey{}
	if errors.Is(r.err, ErrUnknownOutcome) {
		e.unsure = r.used
	}
	if r.res != nil && e.req.AccountID == "" {
		e.note(func(rec *LinkRecord) {
			if !slices.Contains(rec.Created, r.res.AccountID) {
				rec.Created = append(rec.Created, r.res.AccountID)
			}
		})
	}
}

func (e *engine) renewal(r renewal) {
	e.finished(r)
	if r.res == nil && r.err == nil && e.ctx.Err() != nil {
		return // the attempt has ended before the request, which its outcome tells
	}
	err := e.takeIn(r)
	for _, answer := range e.asked {
		answer <- err
	}
	e.asked = nil
}

// takeIn goes on with what a refresh has brought, and says what a viewer who has asked for it is told.
func (e *engine) takeIn(r renewal) error {
	switch {
	case r.answered && r.account.Connected():
		e.won = r.account
		return ErrAlreadyConnected
	case r.answered:
		e.connects(e.state().AccountID)
		return errConnecting
	case r.res == nil && r.err == nil: // a wait has seen it first
		return errConnecting
	}
	cp, err := challenge(r.res, r.err, e.req.want())
	err = suggestQR(err, e.req.want() == wantPairingCode)
	var start *StartError
	switch {
	case err == nil && e.shown != nil && cp.QRCode == e.shown.QRCode && cp.PairingCode == e.shown.PairingCode:
		e.later(errNoNewCode)
		return errNoNewCode
	case err == nil:
		if !r.asked {
			e.note(func(rec *LinkRecord) { rec.Refreshes++ })
		}
		e.show(r.res.AccountID, cp)
	case errors.As(err, &start) && start.Checkpoint == nil:
		e.show(start.AccountID, nil)
		return errConnecting
	case start == nil && passing(err):
		e.later(err)
	default:
		e.why = err
	}
	return err
}

// later puts off a refresh that has brought nothing. What is shown stays as long
// as it works, and where the API says that it is still the current one, that is
// also when to ask again: another request before would change nothing.
func (e *engine) later(err error) {
	e.tries++
	e.notBefore = time.Time{}
	pause := min(renewPause<<min(max(e.tries-2, 0), 10), renewPauseMax)
	rec := e.state()
	if errors.Is(err, ErrAuthInProgress) {
		pause = max(pause, time.Until(rec.ExpiresAt)-shortLook)
		e.notBefore = rec.ExpiresAt
		e.wait(rec.AccountID)
	} else {
		e.lastErr = err
	}
	var answer *APIError
	if errors.As(err, &answer) {
		pause = max(pause, answer.RetryAfter)
	}
	e.next = time.Time{}
	if e.left() > 0 {
		e.next = time.Now().Add(pause)
	}
}

// rest is false where ctx ended it.
func rest(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
