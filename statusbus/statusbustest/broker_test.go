package statusbustest

import (
	"context"
	"errors"
	"sync"

	"github.com/postpress-ai/postpress-go/statusbus"
)

var (
	errDown    = errors.New("broker: no connection")
	errRefused = errors.New("broker: refused")
)

// broker is a message broker in memory. It acknowledges what it hands to the
// lines of the adapters; these deliver late, twice and in any order, and lose
// what they hold when the connection breaks.
type broker struct {
	fault fault
	stall bool // while down, calls hang until their context ends

	mu      sync.Mutex
	lines   map[*line]bool
	up      chan struct{} // closed while the broker can be reached
	refuses bool
}

func newBroker(f fault) *broker {
	b := &broker{fault: f, lines: make(map[*line]bool), up: make(chan struct{})}
	close(b.up)
	return b
}

func (b *broker) breakAll() (restore func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.up = make(chan struct{})
	for l := range b.lines {
		l.cut()
	}
	clear(b.lines)
	up := b.up
	return func() { close(up) }
}

func (b *broker) refuse() (restore func()) {
	set := func(v bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.refuses = v
	}
	set(true)
	return func() { set(false) }
}

// reachable returns a channel that is closed while the broker can be reached.
func (b *broker) reachable() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.up
}

// reach waits until the broker can be reached, or says that it can not.
func (b *broker) reach(ctx context.Context) error {
	up := b.reachable()
	select {
	case <-up:
		return ctx.Err()
	default:
	}
	if !b.stall {
		return errDown
	}
	select {
	case <-up:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hand gives a hint to every line, and so acknowledges it.
func (b *broker) hand(from *adapter, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuses {
		return errRefused
	}
	for l := range b.lines {
		if b.fault != noEcho || l.adapter != from {
			l.put(b.encode(key))
		}
		if b.fault == oneOnly {
			break
		}
	}
	return nil
}

// connect puts a line on the broker, if that can be reached.
func (b *broker) connect(l *line) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.up:
		b.lines[l] = true
		return true
	default:
		return false
	}
}

func (b *broker) disconnect(l *line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.lines, l)
}

// adapter is a transport as an adapter would bring it, with one fault or none.
type adapter struct{ broker *broker }

func (a *adapter) Publish(ctx context.Context, key string) error {
	if a.broker.fault == ignoresContext {
		ctx = context.Background()
	}
	err := a.broker.reach(ctx)
	if err == nil {
		err = a.broker.hand(a, key)
	}
	if a.broker.fault == swallows {
		return nil
	}
	return err
}

func (a *adapter) Listen(ctx context.Context, r statusbus.Receiver) (func(), error) {
	f := a.broker.fault
	if err := a.broker.reach(ctx); err != nil && f != opensBroken {
		return nil, err
	}
	if f == ignoresContext {
		ctx = context.Background()
	}
	l := &line{adapter: a, r: r, news: make(chan struct{}, 1), lost: make(chan struct{}, 1)}
	if f != noBarrier && !a.broker.connect(l) && f != opensBroken {
		return nil, errDown
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		if f == keepsContext {
			l.run(either(ctx.Done(), stop))
		} else {
			l.run(stop)
		}
	}()
	return func() {
		if f == hangsBroken {
			<-a.broker.reachable()
		}
		close(stop)
		if f == leaks {
			go l.pause(nil, 4*soon)
		}
		if f != deliversOn {
			<-ended
		}
	}, nil
}

func either(a, b <-chan struct{}) <-chan struct{} {
	c := make(chan struct{})
	go func() {
		defer close(c)
		select {
		case <-a:
		case <-b:
		}
	}()
	return c
}
