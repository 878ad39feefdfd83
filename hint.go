package postpress

import (
	"context"
	"time"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// A look made for a hint of the status bus is a rush: it waits for no pace,
// since hints come only as often as something happens.
const (
	rushHold   = time.Second // the truth is there, or follows with another hint
	maxRush    = 128         // rushes in flight
	maxRushing = 1024        // those in flight or waiting; more at a time come from a bus that was out, and have no news
	slowest    = 20          // times the greatest interval, between looks that no hint asks for
)

// subscribe returns when hints at the account arrive, and before it is read:
// what happens between the two is not lost. Without a bus, or with one that is
// closed, there are none, and polling is all there is.
func (w *watch) subscribe(bus statusbus.Bus) {
	if bus == nil {
		return
	}
	w.subscribing.Do(func() {
		if cancel, err := bus.Subscribe(w.id, w.hint); err == nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.unsubscribe, w.hints = cancel, true
		}
	})
}

// askBus finds out whether hints still come: a bus that is closed has hinted at
// everything a last time. From then on polling is all there is, as without a bus.
func (w *watch) askBus(bus statusbus.Bus) {
	if !w.hintsCame() {
		return
	}
	cancel, err := bus.Subscribe(w.id, func() {}) // not under mu, under which the bus may wait for us
	if err == nil {
		cancel()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hints, w.gap = false, 0
}

// hintsCame tells whether hints came when the account was looked at last.
func (w *watch) hintsCame() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hints && w.last.seq > 0
}

// hint is called by the bus. A look in flight may have been answered before
// what the hint is about: it is cut, or, if it is a rush itself, followed by another.
func (w *watch) hint() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rushing {
		w.again = true
	} else if !w.hinted {
		w.rush()
	}
}

// rush makes a look due that passes by all others. Under mu.
func (w *watch) rush() {
	w.halt()
	w.hinted = true
	w.due = w.rushes.next()
	w.wake()
}

func (w *watch) urgent() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hinted
}

// queueUp lets a rush have its turn as any other look, or the list.
func (w *watch) queueUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hinted, w.shown = false, time.Now()
}

// rush is false where too many want to.
func (ws *watchers) rush(ctx context.Context, w *waiter, changed <-chan struct{}) bool {
	select {
	case ws.rushing <- struct{}{}:
		defer release(ws.rushing)
	default:
		w.watch.queueUp()
		return false
	}
	if !take(ctx, changed, ws.rushSlots) {
		return true
	}
	defer release(ws.rushSlots)
	if ws.pace.rest(ctx, changed) {
		ws.look(ctx, w, changed, min(rushHold, w.cfg.pollTimeout))
	}
	return true
}

// Between reads of one account for hints: nobody has to wait for the few that a
// linking brings, and however many come, there are at most so many reads.
const (
	leastCalm = 100 * time.Millisecond // doubled each time
	mostCalm  = 2 * time.Second
)

// spacing lets something happen at once where it is rare, and ever further apart
// where it comes often.
type spacing struct {
	last time.Time
	gap  time.Duration
}

// next is when it may happen again.
func (s *spacing) next() time.Time { return s.last.Add(s.gap) }

// take notes that it happens now.
func (s *spacing) take() {
	now := time.Now()
	if now.Sub(s.last) > 2*mostCalm {
		s.gap = 0
	}
	s.last, s.gap = now, min(max(2*s.gap, leastCalm), mostCalm)
}
