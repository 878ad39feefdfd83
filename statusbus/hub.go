package statusbus

import (
	"context"
	"errors"
	"sync"
)

// Hub is the Bus of a process: it hands the hints of one Transport to any
// number of subscribers. Make one with New or NewMemory.
type Hub struct {
	transport Transport
	stop      func()
	closing   sync.Once

	mu     sync.Mutex               // held while wake functions run
	subs   map[string]*subscription // the first of a chain
	closed bool
}

type subscription struct {
	wake       func()
	prev, next *subscription
}

// New makes a Bus of a transport and begins to listen; ctx bounds the
// beginning only. Close ends it.
func New(ctx context.Context, t Transport) (*Hub, error) {
	h := &Hub{transport: t, subs: make(map[string]*subscription)}
	stop, err := t.Listen(ctx, h)
	if err != nil {
		return nil, err
	}
	h.stop = stop
	return h, nil
}

// NewMemory makes a Bus for one process: a hint reaches the subscribers before
// Publish returns.
func NewMemory() *Hub {
	h, _ := New(context.Background(), new(memory)) // can not fail
	return h
}

// memory is the transport of one process.
type memory struct{ to Receiver }

func (m *memory) Publish(_ context.Context, key string) error {
	m.to.Hint(key)
	return nil
}

func (m *memory) Listen(_ context.Context, r Receiver) (stop func(), err error) {
	m.to = r
	return func() {}, nil
}

// Publish implements Bus.
func (h *Hub) Publish(ctx context.Context, accountID string) error {
	if h.isClosed() {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return h.transport.Publish(ctx, accountID)
}

// Subscribe implements Bus.
func (h *Hub) Subscribe(accountID string, wake func()) (cancel func(), err error) {
	if wake == nil {
		return nil, errors.New("statusbus: wake is nil")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	s := &subscription{wake: wake, next: h.subs[accountID]}
	if s.next != nil {
		s.next.prev = s
	}
	h.subs[accountID] = s
	return func() { h.unsubscribe(accountID, s) }, nil
}

func (h *Hub) unsubscribe(key string, s *subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.wake == nil || h.closed {
		return // a second time, or forgotten by Close
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	switch {
	case s.prev != nil:
		s.prev.next = s.next
	case s.next != nil:
		h.subs[key] = s.next
	default:
		delete(h.subs, key)
	}
	*s = subscription{} // a cancel that is kept holds nothing else
}

// Hint implements Receiver: it wakes the subscribers of key in this process.
// It is for the transport; whoever has news calls Publish.
func (h *Hub) Hint(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	wakeAll(h.subs[key])
}

// Gap implements Receiver: it wakes every subscriber in this process.
func (h *Hub) Gap() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gap()
}

func (h *Hub) gap() {
	for _, first := range h.subs {
		wakeAll(first)
	}
}

func wakeAll(s *subscription) {
	for ; s != nil; s = s.next {
		s.wake()
	}
}

// Close wakes every subscriber a last time, since from now on they have to look
// for themselves, and ends the listening. It returns when that has ended; a
// second Close changes nothing.
func (h *Hub) Close() error {
	h.closing.Do(func() {
		h.retire()
		h.stop() // not under the lock: a hint may be waiting for it
	})
	return nil
}

// retire wakes everyone and forgets them, before stop, which may take long.
func (h *Hub) retire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.gap()
	h.subs = nil
}

func (h *Hub) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}
