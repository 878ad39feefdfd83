package statusbustest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postpress-ai/postpress-go/statusbus"
)

func cancelling(e *env) {
	b := e.bus()
	for range 4 {
		e.cancelWhileWaking(b)
	}
	key := e.key()
	first, middle, last := e.probe(b, key), e.probe(b, key), e.probe(b, key)
	order := []*probe{middle, last, first}
	for i, gone := range order {
		gone.cancel()
		gone.cancel()
		left := order[i+1:]
		for _, p := range order {
			p.reset()
		}
		e.publish(b, key)
		e.await("cancelling one subscription leaves the others", left...)
		e.fence([]Bus{b})
		for _, p := range order[:i+1] {
			if p.woken.Load() > 0 {
				e.Errorf("wake was called after cancel had returned")
			}
		}
	}
	again := e.probe(b, key)
	first.cancel()
	e.publish(b, key)
	e.await("a key can be subscribed to again, and an old cancel does not end that", again)
}

// cancelWhileWaking cancels all subscribers of a key while the first of them is
// being woken. It may be that cancel waits for that, so the wait is bounded.
func (e *env) cancelWhileWaking(b Bus) {
	e.Helper()
	const n = 8
	var (
		key       = e.key()
		begun     = make(chan struct{})
		cancelled = make(chan struct{})
		once      sync.Once
		late      atomic.Int64
		over      [n]atomic.Bool
		cancels   [n]func()
	)
	for i := range n {
		cancels[i] = e.subscribe(b, key, func() {
			if over[i].Load() {
				late.Add(1)
			}
			once.Do(func() {
				close(begun)
				select {
				case <-cancelled:
				case <-time.After(50 * time.Millisecond):
				}
			})
		})
	}
	published := make(chan error, 1)
	ctx, done := e.patience()
	defer done()
	go func() { published <- b.Publish(ctx, key) }()
	select {
	case <-begun:
	case <-ctx.Done():
		e.fatalf("no subscriber of %d was woken within %v", n, e.config.Timeout)
	}
	for i, cancel := range cancels {
		cancel()
		over[i].Store(true)
	}
	close(cancelled)
	if err := <-published; err != nil {
		e.fatalf("Publish: %v", err)
	}
	e.fence([]Bus{b})
	if late.Load() > 0 {
		e.Errorf("wake was called after cancel had returned, which happened while others were woken")
	}
}

func closing(e *env) {
	buses := e.buses(2)
	gone, others := buses[0], buses[1:]
	key := e.key()
	probes := []*probe{e.probe(gone, key), e.probe(gone, key), e.probe(gone, e.key())}
	e.close(gone)
	e.await("Close wakes every subscriber", probes...)
	for _, p := range probes {
		p.reset()
	}
	e.refuses(gone)
	for _, b := range others {
		p := e.probe(b, key)
		e.publish(b, key)
		e.await("closing one bus leaves the others", p)
	}
	e.fence(others)
	for _, p := range probes {
		if p.woken.Load() > 0 {
			e.Errorf("wake was called after Close had returned")
		}
		p.cancel()
	}
	e.close(gone)
	e.closeInUse()
}

func (e *env) refuses(b Bus) {
	e.Helper()
	if err := b.Publish(context.Background(), e.key()); !errors.Is(err, statusbus.ErrClosed) {
		e.Errorf("Publish after Close: error %v, want statusbus.ErrClosed", err)
	}
	if _, err := b.Subscribe(e.key(), func() {}); !errors.Is(err, statusbus.ErrClosed) {
		e.Errorf("Subscribe after Close: error %v, want statusbus.ErrClosed", err)
	}
}

// closeInUse closes a bus that others are using.
func (e *env) closeInUse() {
	e.Helper()
	b, key := e.bus(), e.key()
	var (
		wg   sync.WaitGroup
		over atomic.Bool
	)
	e.onCleanup(func() { over.Store(true) })
	begun := e.probe(b, key)
	for range 4 {
		wg.Go(func() {
			for !over.Load() {
				ctx, cancel := e.patience()
				err := b.Publish(ctx, key)
				cancel()
				if err != nil {
					return
				}
			}
		})
		wg.Go(func() {
			for !over.Load() {
				cancel, err := b.Subscribe(key, func() {})
				if err != nil {
					return
				}
				cancel()
			}
		})
	}
	e.await("a hint arrives", begun)
	e.close(b)
	e.wait("a Publish or Subscribe during Close", &wg)
}

func stopping(e *env) {
	from := e.bus()
	for range 10 {
		b := e.bus()
		p := e.probe(b, e.key())
		e.publish(from, p.key)
		e.await("a hint arrives", p)
		for range 10 { // of which the last may still be on their way
			e.publish(from, p.key)
		}
		e.close(b)
		for range 10 {
			e.publish(from, p.key)
		}
		e.fence([]Bus{from})
		e.leftAlone(b)
	}
}

// leftAlone looks at the Receiver of a bus that is closed.
func (e *env) leftAlone(b Bus) {
	e.Helper()
	if b, ok := b.(*hubBus); ok && b.late.Load() > 0 {
		e.fatalf("when stop has returned the Receiver is not called any more: it was, %d times", b.late.Load())
	}
}

func contexts(e *env) {
	ended, end := context.WithCancel(context.Background())
	b, err := e.open(ended)
	if err != nil {
		e.fatalf("a bus can not be made: %v", err)
	}
	e.onCleanup(func() { e.close(b) })
	end()
	p := e.probe(b, e.key())
	for range 20 { // with pauses, in which a transport may notice that it has
		p.reset()
		e.publish(b, p.key)
		e.await("the context of New bounds the beginning only: hints arrive when that has ended", p)
		_ = pause(context.Background())
	}
	key := e.key()
	err = e.within("Publish with a context that has ended", func() error { return b.Publish(ended, key) })
	if !errors.Is(err, context.Canceled) {
		e.Errorf("Publish with a context that has ended: error %v, want context.Canceled", err)
	}
}
