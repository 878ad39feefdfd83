package postpress

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Shutdown ends the handler gracefully: further requests are answered 503, for
// the API to send them again; reads that would wait for more hints are made at once;
// and it returns when no callback runs any more. If ctx ends first, the
// contexts of the callbacks end too, and its error is returned.
// Call it before or after http.Server.Shutdown, and as often as you like.
func (h *WebhookHandler) Shutdown(ctx context.Context) error {
	h.gate.close()
	select {
	case <-h.gate.idle:
		return nil
	case <-ctx.Done():
		h.gate.end()
		return ctx.Err()
	}
}

// Close ends the handler at once: like Shutdown, but the contexts of the
// callbacks end immediately. It waits for the callbacks to return, so one that
// ignores its context holds it up. It always returns nil.
func (h *WebhookHandler) Close() error {
	h.gate.end()
	return h.Shutdown(context.Background())
}

// webhookGate bounds the deliveries under way, and knows when the last has ended.
type webhookGate struct {
	limit   int
	closing chan struct{}      // closed when no more are let in
	idle    chan struct{}      // closed when, after that, the last has left
	ended   context.Context    // of all callbacks
	end     context.CancelFunc // ends them

	mu     sync.Mutex
	inside int
	closed bool
}

func newWebhookGate(limit int) *webhookGate {
	g := &webhookGate{limit: limit, closing: make(chan struct{}), idle: make(chan struct{})}
	g.ended, g.end = context.WithCancel(context.Background())
	return g
}

func (g *webhookGate) enter() (*webhookDelivery, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.inside == g.limit {
		return nil, false
	}
	g.inside++
	d := &webhookDelivery{gate: g}
	d.holders.Store(1)
	return d, true
}

func (g *webhookGate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.closed && g.inside == 0 {
		close(g.idle)
	}
}

func (g *webhookGate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	g.closed = true
	close(g.closing)
	if g.inside == 0 {
		close(g.idle)
	}
}

// context bounds one delivery, and ends with the handler.
func (g *webhookGate) context(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(parent, d)
	stop := context.AfterFunc(g.ended, cancel)
	return ctx, func() { stop(); cancel() }
}

// webhookDelivery is one place inside the gate. It is held by the request, and by
// each callback that the request has given up on: so callbacks that never
// return do not pile up, and Shutdown does not overlook them.
type webhookDelivery struct {
	gate    *webhookGate
	holders atomic.Int32
}

func (d *webhookDelivery) leave() {
	if d.holders.Add(-1) == 0 {
		d.gate.leave()
	}
}

var (
	errAbandoned = errors.New("the callback did not return in time")
	errNoReturn  = errors.New("the callback has ended its goroutine")
)

// guard calls what is not ours: it returns when ctx ends even if f does not,
// and a panic is an error.
func (d *webhookDelivery) guard(ctx context.Context, f func(context.Context) error) error {
	done := make(chan error, 1)
	d.holders.Add(1)
	go func() {
		defer d.leave()
		err := errNoReturn // runtime.Goexit, as by t.FailNow in a test
		defer func() {
			if v := recover(); v != nil {
				err = newWebhookPanic(v)
			}
			done <- err
		}()
		err = f(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errAbandoned
	}
}

// webhookPanic is what may be logged of a panic: the value may quote the event,
// so only what the runtime itself panics with is told.
type webhookPanic struct{ text string }

func newWebhookPanic(v any) *webhookPanic {
	what := fmt.Sprintf("%T", v)
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	return &webhookPanic{fmt.Sprintf("panic: %s\n%s", what, debug.Stack())}
}

func (p *webhookPanic) Error() string { return p.text }
