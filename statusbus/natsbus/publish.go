package natsbus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// transport is the statusbus.Transport of New, which makes one Hub of it.
type transport struct {
	nc      *nats.Conn
	subject string
	limit   time.Duration // for a hint to come back
	look    time.Duration // how often the counters of nc are read
	echoes  echoes
}

func newTransport(nc *nats.Conn, opts ...Option) (*transport, error) {
	t := &transport{nc: nc, subject: DefaultSubject, limit: 5 * time.Second, look: 100 * time.Millisecond}
	for _, o := range opts {
		o(t)
	}
	if err := check(nc, t.subject); err != nil {
		return nil, err
	}
	t.echoes.init()
	return t, nil
}

var (
	errUnconfirmed = errors.New("the hint has not come back")
	errLost        = fmt.Errorf("natsbus: publish: the connection was lost before the hint came back: %w", nats.ErrDisconnected)
)

// Publish implements statusbus.Transport. It sends a hint and waits until that
// comes back, with the mark that it carries as its reply subject.
func (t *transport) Publish(ctx context.Context, key string) error {
	// While there is no connection, nats.go would keep the hint for later.
	if !t.nc.IsConnected() {
		return fmt.Errorf("natsbus: publish: %w", t.absence())
	}
	mark, echo, ok := t.echoes.expect(t.nc.Stats().Reconnects)
	if !ok {
		return statusbus.ErrClosed
	}
	defer t.echoes.forget(mark)
	if err := t.nc.PublishRequest(t.subject, mark, []byte(key)); err != nil {
		return fmt.Errorf("natsbus: publish: %w", err)
	}
	limit := time.NewTimer(t.limit)
	defer limit.Stop()
	select {
	case err := <-echo:
		return err
	case <-ctx.Done():
		return t.unconfirmed(ctx.Err())
	case <-limit.C:
		return t.unconfirmed(errUnconfirmed)
	}
}

// unconfirmed adds what is likely to be the reason: that a subject may not be
// published to is told to the connection alone.
func (t *transport) unconfirmed(err error) error {
	if last := t.nc.LastError(); last != nil {
		return fmt.Errorf("natsbus: publish: %w (last error of the connection: %v)", err, last)
	}
	return fmt.Errorf("natsbus: publish: %w", err)
}

// absence says why there is no connection.
func (t *transport) absence() error {
	switch {
	case t.nc.IsClosed():
		return nats.ErrConnectionClosed
	case t.nc.IsDraining():
		return nats.ErrConnectionDraining
	default:
		return nats.ErrDisconnected
	}
}

// echoes are the hints that have been sent and are expected back.
type echoes struct {
	prefix string // of this process, so that no other knows the marks

	mu      sync.Mutex
	last    uint64
	waiting map[string]echo
	closed  bool
}

type echo struct {
	outcome    chan error // with room for one
	reconnects uint64     // of the connection, before the hint was sent
}

func (e *echoes) init() {
	e.prefix = "_postpress." + rand.Text() + "."
	e.waiting = make(map[string]echo)
}

// expect returns a mark for a hint, and where its outcome will be told, unless
// nothing will come any more.
func (e *echoes) expect(reconnects uint64) (mark string, outcome <-chan error, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return "", nil, false
	}
	e.last++
	mark = e.prefix + strconv.FormatUint(e.last, 36)
	c := make(chan error, 1)
	e.waiting[mark] = echo{c, reconnects}
	return mark, c, true
}

func (e *echoes) forget(mark string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.waiting, mark)
}

// came tells the publisher of the hint with this mark, if that is one of ours.
func (e *echoes) came(mark string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w, ok := e.waiting[mark]; ok {
		w.outcome <- nil
		delete(e.waiting, mark)
	}
}

// lost tells those whose hints were sent before the connection was made for the
// given time: it may have lost them.
func (e *echoes) lost(reconnects uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fail(errLost, func(w echo) bool { return w.reconnects < reconnects })
}

// close tells everybody why nothing will come any more.
func (e *echoes) close(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.fail(err, func(echo) bool { return true })
}

func (e *echoes) fail(err error, which func(echo) bool) {
	for mark, w := range e.waiting {
		if which(w) {
			w.outcome <- err
			delete(e.waiting, mark)
		}
	}
}
