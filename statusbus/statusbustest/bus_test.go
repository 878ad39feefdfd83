package statusbustest

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/postpress-ai/postpress-go/statusbus"
)

const (
	wakesOutside   fault = "wakes without keeping cancel from returning"
	cancelsAll     fault = "cancel ends every subscription of the key"
	cancelsNone    fault = "cancel does nothing"
	cancelsTwice   fault = "a second cancel ends another subscription"
	closesSilently fault = "Close wakes nobody"
	closesNever    fault = "Publish and Subscribe go on after Close"
	closeFails     fault = "Close returns an error"
	closeHangs     fault = "Close hangs"
	wakesClosed    fault = "wakes after Close"
	ignoresEnded   fault = "Publish does not look at its context"
	subscribesLate fault = "Subscribe returns before it is active"
	subscribeFails fault = "Subscribe returns an error"
)

// simpleBus is a Bus for one process that is no Hub, with one fault or none.
type simpleBus struct {
	fault fault

	publishing sync.Mutex
	closed     bool

	mu     sync.Mutex
	subs   map[string][]*simpleSub
	total  int           // subscriptions now
	served int           // and ever
	lost   chan struct{} // never closed
}

type simpleSub struct{ wake func() }

func newSimpleBus(f fault) *simpleBus {
	return &simpleBus{fault: f, subs: make(map[string][]*simpleSub), lost: make(chan struct{})}
}

func (b *simpleBus) Publish(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil && b.fault != ignoresEnded {
		return err
	}
	if b.fault == busy {
		if !b.publishing.TryLock() {
			return nil
		}
		defer b.publishing.Unlock()
		runtime.Gosched()
	}
	b.mu.Lock()
	if b.closed && b.fault != closesNever {
		b.mu.Unlock()
		if b.fault == wakesClosed {
			b.wakeAll()
		}
		return statusbus.ErrClosed
	}
	subs := slices.Clone(b.subs[key])
	if b.fault == wakesOutside {
		b.mu.Unlock()
	} else {
		defer b.mu.Unlock()
	}
	for _, s := range subs {
		s.wake()
	}
	return nil
}

func (b *simpleBus) wakeAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, subs := range b.subs {
		for _, s := range subs {
			s.wake()
		}
	}
}

func (b *simpleBus) Subscribe(key string, wake func()) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault == subscribeFails {
		return nil, errors.New("no")
	}
	if b.closed && b.fault != closesNever {
		return nil, statusbus.ErrClosed
	}
	s := &simpleSub{wake}
	b.served++
	add := func() {
		b.subs[key] = append(b.subs[key], s)
		b.total++
	}
	switch {
	case b.fault == subscribesLate && b.served > 1:
		go func() {
			runtime.Gosched()
			b.mu.Lock()
			defer b.mu.Unlock()
			add()
		}()
	case b.fault == small && b.total >= 1000:
	default:
		add()
	}
	return func() { b.cancel(key, s) }, nil
}

func (b *simpleBus) cancel(key string, s *simpleSub) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.subs[key], s)
	switch {
	case b.fault == cancelsNone:
	case b.fault == cancelsAll:
		delete(b.subs, key)
	case b.fault == cancelsTwice && i < 0 && len(b.subs[key]) > 0:
		b.subs[key] = b.subs[key][1:]
	case i >= 0:
		b.subs[key] = slices.Delete(b.subs[key], i, i+1)
		b.total--
	}
}

func (b *simpleBus) Close() error {
	if b.fault == closeHangs {
		<-b.lost
	}
	if b.fault != closesSilently {
		b.wakeAll()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.fault != wakesClosed && b.fault != closesNever {
		clear(b.subs)
	}
	if b.fault == closeFails {
		return errors.New("no")
	}
	return nil
}
