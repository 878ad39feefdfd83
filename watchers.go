package postpress

import (
	"context"
	"sync"
	"time"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// watchers is the waiting room of a client: the accounts waited for, and the
// lane through which they are read. It has no goroutine of its own: whoever
// waits does the reading, for all who wait for the same account.
type watchers struct {
	client *Client
	bus    statusbus.Bus // nil: polling alone
	limit  float64       // accounts that can be looked at one by one
	pace   *pace         // of all requests but rushes
	queue  chan struct{} // one look at a time waits at the pace, so that pages of the list have every other place
	slots  chan struct{} // looks in flight
	sweep  sweep

	rushing, rushSlots chan struct{} // rushes under way, and those in flight

	mu    sync.Mutex
	watch map[string]*watch
}

// maxHeld is how many looks are in flight at a time, each with a connection or
// an HTTP/2 stream of its own.
const maxHeld = 256

// revisit is how often each account should be looked at. With more accounts
// than fit into that, the list is read instead.
const revisit = 2 * time.Minute

func newWatchers(c *Client, rate float64, bus statusbus.Bus) *watchers {
	return &watchers{
		client:    c,
		bus:       bus,
		limit:     rate * revisit.Seconds(),
		pace:      newPace(rate),
		queue:     make(chan struct{}, 1),
		slots:     make(chan struct{}, maxHeld),
		rushing:   make(chan struct{}, maxRushing),
		rushSlots: make(chan struct{}, maxRush),
		sweep:     sweep{turn: make(chan struct{}, 1)},
		watch:     make(map[string]*watch),
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
	if ws.left(w) && w.unsubscribe != nil {
		w.unsubscribe() // under no lock, since it waits for hints on their way
	}
}

// left tells whether it was the last one.
func (ws *watchers) left(w *watch) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w.waiters--
	if w.waiters > 0 {
		return false
	}
	delete(ws.watch, w.id)
	return true
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
	if w.watch.urgent() && ws.rush(ctx, w, changed) {
		return
	}
	w.watch.askBus(ws.bus)
	if ws.crowded() && ws.sweepInstead(ctx, w.watch, changed) {
		return
	}
	if ws.enter(ctx, changed) {
		defer release(ws.slots)
		ws.look(ctx, w, changed, ws.hold(w.cfg.pollTimeout))
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
func (ws *watchers) look(ctx context.Context, w *waiter, changed <-chan struct{}, hold time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !w.watch.begin(changed, cancel) {
		return
	}
	began := time.Now()
	a := new(Account)
	err := ws.client.exchange(ctx, &request{
		Method: w.op.method, Path: w.op.path, Template: w.op.template,
		Wait: true, Timeout: hold,
	}, a)
	if interrupted(err) {
		w.watch.interrupted()
		return
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
