package postpress

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Bounds of the end of an attempt.
const (
	settleTimeout   = 2 * time.Minute  // of all of it
	renewPatience   = 20 * time.Second // for a refresh that runs
	inspectPatience = 15 * time.Second // for an account that may be about to connect
	numberPatience  = 10 * time.Second // for a connected account to tell its number
)

// halt ends everything that runs for the attempt. The outcome may take a moment,
// so viewers are told what is certain already.
func (e *engine) halt() {
	switch {
	case e.won == nil:
		e.publish(LinkStep{State: LinkExpired}) // nobody shall scan it any more
	case e.cut != nil || len(e.accounts()) > 1 || e.req.ExpectPhoneNumber != "":
		e.publish(LinkStep{State: LinkConnecting})
	}
	e.unwatch()
	if e.cut != nil {
		var r renewal
		select {
		case r = <-e.renewed:
		case <-time.After(renewPatience):
			e.cut()
			r = <-e.renewed
		}
		e.finished(r)
		if r.answered && r.account.Connected() && e.won == nil {
			e.won = r.account
		}
	}
	e.running.Wait()
	e.cancel(nil)
}

// settle verifies and cleans up what the attempt leaves, on a context of its own:
// that of the attempt has ended, perhaps. The phone may have answered in the last
// moment, so an account that is found to be linked is the outcome after all.
func (e *engine) settle() (*Account, []string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
	defer cancel()
	e.findUnknown(ctx)
	left := e.clean(ctx)
	if e.won == nil {
		return nil, left, e.why
	}
	a, err := e.expected(ctx, e.won)
	return a, left, err
}

// findUnknown learns which account a refresh has created whose answer was lost.
func (e *engine) findUnknown(ctx context.Context) {
	if e.unsure.key == "" || e.unsure.id != "" {
		return
	}
	res, err := e.client.connectWhatsApp(ctx, e.req, "", e.unsure.key)
	e.cut, e.hold = func() {}, func() {}
	e.finished(renewal{used: e.unsure, res: res, err: err})
	if err != nil && e.why != nil {
		e.why = fmt.Errorf("%w; an account may have been created that is not known: %w", e.why, err)
	}
}

// clean deletes the accounts of the attempt that are verified not to be linked,
// and names those that are left.
func (e *engine) clean(ctx context.Context) (left []string) {
	rec := e.state()
	created := map[string]bool{}
	for _, id := range rec.Created {
		created[id] = true
	}
	longest := carefulLook
	if e.won == nil && !errors.Is(e.why, ErrLinkCanceled) {
		longest = patientLook // nobody has given up
	}
	for _, id := range e.accounts() {
		if e.won != nil && (id == e.won.ID || !created[id]) {
			continue
		}
		s, a, _ := e.client.inspect(ctx, id, longest)
		switch {
		case s == sightLinked && e.won == nil:
			e.won = a
		case s != sightGone && created[id] && !(e.removable(s, a) && e.remove(ctx, id)):
			left = append(left, id)
		}
	}
	return left
}

// removable is what is verified not to be linked. An account that has been
// CONNECTING all the while is, too, unless that is known to mean that its phone has answered.
func (e *engine) removable(s sight, a *Account) bool {
	switch s {
	case sightPending, sightOver:
		return true
	case sightIdle:
		return !everLinked(a)
	case sightConnecting:
		return !e.holds[a.ID]
	}
	return false
}

func (e *engine) remove(ctx context.Context, id string) bool {
	err := e.client.DeleteAccount(ctx, id)
	return err == nil || errors.Is(err, ErrNotFound)
}

// expected checks the number of the account that was linked. One that tells no
// number is read again a few times, and then is not the one expected: nobody
// knows that it is. The account is given back in either case.
func (e *engine) expected(ctx context.Context, a *Account) (*Account, error) {
	want := string(e.req.ExpectPhoneNumber)
	if want == "" {
		return a, nil
	}
	until := time.Now().Add(numberPatience)
	for a.PhoneNumber() == "" && time.Now().Before(until) && rest(ctx, defaultMinInterval) {
		if s, again, _ := e.client.look(ctx, a.ID, shortLook); s == sightLinked {
			a = again
		}
	}
	switch number := a.PhoneNumber(); {
	case number == "":
		return a, fmt.Errorf("%w: the account tells no phone number", ErrWrongAccount)
	case !sameNumber(number, want):
		return a, fmt.Errorf("%w: its phone number is another", ErrWrongAccount)
	}
	return a, nil
}
