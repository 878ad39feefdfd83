package postpress

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// watchers is the waiting room of a client: the accounts waited for, and the
// lane through which they are read. It has no goroutine of its own: whoever
// waits does the reading, for all who wait for the same account.
type watchers struct {
	client *Client
	limit  float64       // accounts that can be looked at one by one
	pace   *pace         // of all requests
	queue  chan struct{} // one look at a time waits at the pace, so that pages of the list have every other place
	slots  chan struct{} // looks in flight
	sweep  sweep

	mu    sync.Mutex
	watch map[string]*watch
}

// maxHeld is how many looks are in flight at a time, each with a connection or
// an HTTP/2 stream of its own.
const maxHeld = 256

// revisit is how often each account should be looked at. With more accounts
// than fit into that, the list is read instead.
const revisit = 2 * time.Minute

func newWatchers(c *Client, rate float64) *watchers {
	return &watchers{
		client: c,
		limit:  rate * revisit.Seconds(),
		pace:   newPace(rate),
		queue:  make(chan struct{}, 1),
		slots:  make(chan struct{}, maxHeld),
		sweep:  sweep{turn: make(chan struct{}, 1)},
		watch:  make(map[string]*watch),
	}
}

func (ws *watchers) join(id string, recent time.Duration) (_ *watch, seen int) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w := ws.watch[id]
	if w == nil {
		w = newWatch(id)
		ws.watch[id] = w
	}
	w.waiters++
	return w, w.welcome(recent)
}

func (ws *watchers) leave(w *watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w.waiters--
	if w.waiters == 0 {
		delete(ws.watch, w.id)
	}
}

func (ws *watchers) find(id string) *watch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.watch[id]
}

func (ws *watchers) count() int {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return len(ws.watch)
}

func (ws *watchers) crowded() bool { return float64(ws.count()) > ws.limit }

// advance is for whoever has the turn of the account: it moves the knowledge of
// it on by one request, its own or a page of the list, and gives the turn back.
// It returns early when changed is closed.
func (ws *watchers) advance(ctx context.Context, w *waiter, changed <-chan struct{}) {
	defer release(w.watch.turn)
	if !sleep(ctx, changed, w.watch.untilDue()) {
		return
	}
	if ws.crowded() && ws.sweepInstead(ctx, w.watch, changed) {
		return
	}
	if ws.enter(ctx, changed) {
		defer release(ws.slots)
		ws.look(ctx, w, changed)
	}
}

// enter waits for a slot, and for the pace.
func (ws *watchers) enter(ctx context.Context, changed <-chan struct{}) bool {
	if !take(ctx, changed, ws.queue) {
		return false
	}
	defer release(ws.queue)
	if !take(ctx, changed, ws.slots) {
		return false
	}
	if !ws.pace.pass(ctx, changed) {
		release(ws.slots)
		return false
	}
	return true
}

// look reads the account once, and tells all who wait for it.
func (ws *watchers) look(ctx context.Context, w *waiter, changed <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !w.watch.begin(changed, cancel) {
		return
	}
	began := time.Now()
	a := new(Account)
	err := ws.client.exchange(ctx, &request{
		Method: w.op.method, Path: w.op.path, Template: w.op.template,
		Wait: true, Timeout: ws.hold(w.cfg.pollTimeout),
	}, a)
	if interrupted(err) {
		return // nobody asks any more, or the answer came another way
	}
	ws.pace.pause(throttled(err))
	if err != nil {
		a = nil
	} else {
		a.ID = orDefault(a.ID, w.id)
	}
	w.watch.answered(a, err, began, w.cfg)
}

// hold is how long one look may be held: less, the more accounts share the
// slots, but not less than keeps them busy.
func (ws *watchers) hold(longest time.Duration) time.Duration {
	n := ws.count()
	if n <= maxHeld {
		return longest
	}
	return min(longest, max(longest/time.Duration(n), ws.pace.interval)*maxHeld)
}

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
	w.stop = stop
	return true
}

// answered takes note of a look, and when the next is due: the API holds a
// look for as long as there is nothing to tell, so one that took long is followed
// by the next at once; answers that come at once are spaced ever wider, until
// something changes. An account that is not found is within its short grace.
func (w *watch) answered(a *Account, err error, began time.Time, cfg waitConfig) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stop == nil {
		return // the list has told of the connection meanwhile
	}
	w.stop = nil
	w.note(a, err)
	held := time.Since(began) >= cfg.minInterval/2
	if held || w.gap < cfg.minInterval || errors.Is(err, ErrNotFound) {
		w.gap = cfg.minInterval
	} else {
		w.gap = min(w.gap*3/2, cfg.maxInterval)
	}
	w.due = began.Add(w.gap + rand.N(w.gap/4+1))
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
		if w.stop != nil {
			w.stop() // the look that is held has nothing to add
			w.stop = nil
		}
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
