package postpress

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// watch is what is known of one account, shared by all who wait for it.
type watch struct {
	id      string
	waiters int           // under watchers.mu
	turn    chan struct{} // whoever fills it reads the account

	mu      sync.Mutex
	last    observation
	status  Status        // the last one told
	changed chan struct{} // closed when there is news
	stop    func()        // cuts the look in flight
	due     time.Time     // of the next look
	gap     time.Duration // between looks that are answered at once
	shown   time.Time     // when a look or the list last spoke of it; zero: it must be looked at

	subscribing sync.Once
	unsubscribe func() // nil where there was nothing to subscribe to
	hints       bool   // hints come, as far as is known
	hinted      bool   // a rush is due
	rushing     bool   // the look in flight is a rush
	again       bool   // there was a hint since it began
	rushes      spacing
}

func newWatch(id string) *watch {
	return &watch{id: id, turn: make(chan struct{}, 1), changed: make(chan struct{}), shown: time.Now()}
}

// welcome lets a newcomer in. What was known before it came may be of an
// earlier attempt and is not for it: a new look is due, a little after the last one.
func (w *watch) welcome(recent time.Duration) (seen int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last.seq > 0 {
		w.lookBy(w.last.at.Add(recent))
	}
	return w.last.seq
}

// lookBy makes a look due at t, or earlier, by itself even in a crowd. Whoever
// queues for it already shall not have to queue again. Under mu.
func (w *watch) lookBy(t time.Time) {
	sooner := t.Before(w.due)
	if w.shown.IsZero() && !sooner {
		return
	}
	if sooner {
		w.due = t
		if w.hints {
			w.gap = 0 // somebody has come who has not waited for long
		}
	}
	w.shown = time.Time{}
	w.wake()
}

// wake makes all who wait think again. Under mu.
func (w *watch) wake() {
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *watch) latest() (observation, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, w.changed
}

func (w *watch) untilDue() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Until(w.due)
}

// patience is how long the list still has to speak of the account.
func (w *watch) patience() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Until(w.shown.Add(patience))
}

// begin is false where there has been news since changed was read.
func (w *watch) begin(changed <-chan struct{}, stop func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed != changed {
		return false
	}
	w.stop, w.rushing, w.hinted, w.again = stop, w.hinted, false, false
	if w.rushing {
		w.rushes.take()
	}
	return true
}

// halt cuts the look in flight, whose answer is no longer wanted. Under mu.
func (w *watch) halt() {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

// interrupted takes note of a look without an answer: it was halted, or whoever
// made it asks no more. Then the hint it was made for is still to be followed.
func (w *watch) interrupted() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hinted = w.hinted || w.rushing && w.stop != nil
	w.stop, w.rushing = nil, false
}

// answered takes note of a look, and when the next is due: the API holds a
// look for as long as there is nothing to tell, so one that took long is followed
// by the next at once; answers that come at once are spaced ever wider, until
// something changes. An account that is not found is within its short grace.
func (w *watch) answered(a *Account, err error, began time.Time, cfg waitConfig) {
	w.mu.Lock()
	defer w.mu.Unlock()
	halted, rushed := w.stop == nil, w.rushing
	w.stop, w.rushing = nil, false
	if halted {
		return
	}
	w.note(a, err)
	w.gap = w.nextGap(cfg, rushed || errors.Is(err, ErrNotFound), time.Since(began) >= cfg.minInterval/2)
	w.due = began.Add(w.gap + rand.N(w.gap/4+1))
	if w.again {
		w.rush()
	}
}

// nextGap is short where news may be near, and long where a hint would tell of them. Under mu.
func (w *watch) nextGap(cfg waitConfig, near, held bool) time.Duration {
	switch {
	case near:
		return cfg.minInterval
	case w.hints && w.gap == 0:
		return cfg.maxInterval
	case w.hints:
		return min(2*w.gap, slowest*cfg.maxInterval)
	case held || w.gap < cfg.minInterval:
		return cfg.minInterval
	}
	return min(w.gap*3/2, cfg.maxInterval)
}

// note tells all who wait. Under mu.
func (w *watch) note(a *Account, err error) {
	w.last = observation{seq: w.last.seq + 1, at: time.Now(), account: a, err: err}
	w.shown = w.last.at
	if a != nil && a.Status() != w.status {
		w.status, w.gap = a.Status(), 0
	}
	w.wake()
}

// listed takes note of an account in the list. The list may tell the good news
// and what is pending; that an account failed is checked by a look. A status
// the list does not give, or that is not known, says nothing.
func (w *watch) listed(a *Account) {
	status := a.Status()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case status.Connected():
		w.note(a, nil)
		w.halt()
	case status.severity() == unknown:
	case status == w.status || w.status.Connected(): // no news, or late ones
		if !w.shown.IsZero() {
			w.shown = time.Now()
		}
	case status.Terminal():
		w.lookBy(time.Now())
	default:
		w.note(a, nil)
	}
}
