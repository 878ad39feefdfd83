package postpress

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// watchers is the waiting room of a client: the accounts waited for, and the
// lane through which they are read. It has no goroutine of its own: whoever
// waits does the reading, for all who wait for the same account.
type watchers struct {
	client *Client
	rate   float64 // requests per second of all waits together
	looks  *pace   // reading one account
	slots  chan struct{}
	sweep  sweep

	mu    sync.Mutex
	watch map[string]*watch
}

// maxHeld is how many reading requests are held open at a time, each with a
// connection or an HTTP/2 stream of its own.
const maxHeld = 256

// revisit is how often each account should be looked at. Beyond rate×revisit
// accounts that is out of reach one by one, and the list is read instead.
const revisit = 2 * time.Minute

func newWatchers(c *Client, rate float64) *watchers {
	return &watchers{
		client: c,
		rate:   rate,
		looks:  newPace(),
		slots:  make(chan struct{}, maxHeld),
		sweep:  sweep{turn: make(chan struct{}, 1), pages: newPace()},
		watch:  make(map[string]*watch),
	}
}

// watch is what is known of one account, shared by all who wait for it.
type watch struct {
	id      string
	waiters int           // under watchers.mu
	turn    chan struct{} // whoever fills it reads the account

	mu      sync.Mutex
	last    observation
	changed chan struct{} // closed at the next observation
	stop    func()        // cuts the request in flight
	due     time.Time     // of the next request
	gap     time.Duration // between requests that are answered at once
	pass    int64         // the last sweep that has seen the account
}

func (ws *watchers) join(id string, recent time.Duration) (_ *watch, seen int) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w := ws.watch[id]
	if w == nil {
		w = &watch{id: id, turn: make(chan struct{}, 1), changed: make(chan struct{})}
		ws.watch[id] = w
	}
	w.waiters++
	return w, w.welcome(recent)
}

// welcome lets a newcomer take part in what is known, unless it is old: then a new look is due.
func (w *watch) welcome(recent time.Duration) (seen int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); now.Sub(w.last.at) >= recent {
		w.due = now
		return w.last.seq
	}
	return 0
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

func (ws *watchers) crowded(n int) bool { return float64(n) > ws.rate*revisit.Seconds() }

func (w *watch) latest() (observation, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, w.changed
}

// record tells everybody who waits. An answer that settles the matter also
// ends a request that is still being held.
func (w *watch) record(a *Account, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = observation{seq: w.last.seq + 1, at: time.Now(), account: a, err: err}
	close(w.changed)
	w.changed = make(chan struct{})
	if w.stop != nil && a != nil && a.Status().Terminal() {
		w.stop()
	}
}

// advance moves the knowledge of an account on by one request: its own, or a
// page of the list. It returns early when changed is closed.
func (ws *watchers) advance(ctx context.Context, w *waiter, changed <-chan struct{}) {
	if !sleep(ctx, changed, w.watch.untilDue()) {
		return
	}
	n := ws.count()
	if ws.crowded(n) && ws.sweepInstead(ctx, w.watch, changed) {
		return
	}
	select {
	case ws.slots <- struct{}{}:
	case <-changed:
		return
	case <-ctx.Done():
		return
	}
	defer func() { <-ws.slots }()
	if ws.looks.pass(ctx, changed, ws.interval(n)) {
		ws.look(ctx, w, n)
	}
}

func (w *watch) untilDue() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Until(w.due)
}

// interval between two looks of the client. Half of what may be sent is left
// to the list when there are too many accounts to look at.
func (ws *watchers) interval(n int) time.Duration {
	if ws.crowded(n) {
		return 2 * ws.perRequest()
	}
	return ws.perRequest()
}

func (ws *watchers) perRequest() time.Duration {
	return time.Duration(float64(time.Second) / ws.rate)
}

// hold is how long one request may be held: less, the more accounts share the slots.
func hold(longest time.Duration, n int) time.Duration {
	if n <= maxHeld {
		return longest
	}
	return max(min(longest, time.Second), longest*maxHeld/time.Duration(n))
}

// look reads the account once, and says when the next look is due.
func (ws *watchers) look(ctx context.Context, w *waiter, n int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.watch.setStop(cancel)
	began := time.Now()
	a := new(Account)
	req := request{
		Method: w.op.method, Path: w.op.path, Template: w.op.template,
		Wait: true, Timeout: hold(w.cfg.pollTimeout, n),
	}
	err := ws.client.exchange(ctx, &req, a)
	w.watch.setStop(nil)
	if err != nil {
		a = nil
		if ctx.Err() != nil {
			return // nobody asks any more, or the answer came another way
		}
	} else {
		a.ID = orDefault(a.ID, w.id)
	}
	w.watch.schedule(began, a, err, w.cfg)
	ws.pause(throttled(err))
	w.watch.record(a, err)
}

func (w *watch) setStop(stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop = stop
}

// schedule the next look. The API holds a request as long as there is nothing to
// tell, so a look that took long is followed by the next at once; answers that come at
// once are spaced ever wider, until something changes.
func (w *watch) schedule(began time.Time, a *Account, err error, cfg waitConfig) {
	w.mu.Lock()
	defer w.mu.Unlock()
	held := time.Since(began) >= cfg.minInterval/2
	changed := a != nil && w.last.account != nil && a.Status() != w.last.account.Status()
	switch {
	case w.gap < cfg.minInterval || held || changed:
		w.gap = cfg.minInterval
	default:
		w.gap = min(w.gap*3/2, cfg.maxInterval)
	}
	w.due = began.Add(w.gap + rand.N(w.gap/4+1))
}

// pause stops all waits of the client: the API's limit is per key.
func (ws *watchers) pause(d time.Duration) {
	if d > 0 {
		ws.looks.pause(d)
		ws.sweep.pages.pause(d)
	}
}

// throttled is how long a 429 asks everybody to pause.
func throttled(err error) time.Duration {
	var e *APIError
	if !errors.As(err, &e) || e.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	return min(max(e.RetryAfter, defaultMinInterval), time.Minute)
}
