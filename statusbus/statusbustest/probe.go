package statusbustest

import (
	"context"
	"sync/atomic"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// probe is a subscriber that counts.
type probe struct {
	key    string
	woken  atomic.Int64
	signal chan struct{}
	cancel func()
}

func (p *probe) wake() {
	p.woken.Add(1)
	select {
	case p.signal <- struct{}{}:
	default:
	}
}

// reset forgets what has happened. What is still under way may come after it.
func (p *probe) reset() {
	select {
	case <-p.signal:
	default:
	}
	p.woken.Store(0)
}

// probe subscribes.
func (e *env) probe(b Bus, key string) *probe {
	e.Helper()
	p := &probe{key: key, signal: make(chan struct{}, 1)}
	p.cancel = e.subscribe(b, key, p.wake)
	return p
}

func (e *env) subscribe(b Bus, key string, wake func()) (cancel func()) {
	e.Helper()
	cancel, err := b.Subscribe(key, wake)
	if err != nil {
		e.fatalf("Subscribe(%q): %v", key, err)
	}
	return cancel
}

// probes subscribes to a key on each bus.
func (e *env) probes(buses []Bus, key string) []*probe {
	e.Helper()
	var all []*probe
	for _, b := range buses {
		all = append(all, e.probe(b, key))
	}
	return all
}

// await waits until each is woken; promise is what was broken otherwise.
func (e *env) await(promise string, probes ...*probe) {
	e.Helper()
	ctx, cancel := e.patience()
	defer cancel()
	for i, p := range probes {
		select {
		case <-p.signal:
		case <-ctx.Done():
			e.fatalf("%s: subscriber %d of %d, of %q, was not woken within %v", promise, i+1, len(probes), p.key, e.config.Timeout)
		}
	}
}

// fence waits until a hint has gone from every bus to every bus: in a broker
// that keeps the order, what was published before has arrived then.
func (e *env) fence(buses []Bus) {
	e.Helper()
	for _, from := range buses {
		probes := e.probes(buses, e.key())
		e.publish(from, probes[0].key)
		e.await("a hint reaches every bus", probes...)
		cancelAll(probes)
	}
}

func cancelAll(probes []*probe) {
	for _, p := range probes {
		p.cancel()
	}
}

// hubBus is the Hub of a transport under test.
type hubBus struct {
	*statusbus.Hub
	release func()
	stopped atomic.Bool
	late    atomic.Int64 // calls of the Receiver after stop
}

func (b *hubBus) Close() error {
	err := b.Hub.Close()
	b.release()
	return err
}

// spy stands between the Hub and the transport under test.
type spy struct {
	statusbus.Transport
	bus *hubBus
}

func (s *spy) Listen(ctx context.Context, r statusbus.Receiver) (func(), error) {
	stop, err := s.Transport.Listen(ctx, &spyReceiver{r, s.bus})
	if err != nil {
		return nil, err
	}
	return func() {
		stop()
		s.bus.stopped.Store(true)
	}, nil
}

type spyReceiver struct {
	statusbus.Receiver
	bus *hubBus
}

func (r *spyReceiver) note() {
	if r.bus.stopped.Load() {
		r.bus.late.Add(1)
	}
}

func (r *spyReceiver) Hint(key string) {
	r.note()
	r.Receiver.Hint(key)
}

func (r *spyReceiver) Gap() {
	r.note()
	r.Receiver.Gap()
}
