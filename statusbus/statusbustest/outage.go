package statusbustest

import (
	"context"
	"sync"
	"sync/atomic"
)

func gap(e *env) {
	buses := e.buses(2)
	for range 2 {
		var all []*probe
		for range 5 {
			all = append(all, e.probes(buses, e.key())...)
		}
		restore := e.breakConnection()
		for _, b := range buses {
			_ = e.tryBriefly(b, e.key())
		}
		for _, p := range all {
			p.reset()
		}
		restore()
		e.await("after a lost connection every subscriber is woken, once hints arrive again", all...)
		for _, from := range buses {
			probes := e.probes(buses, e.key())
			e.publishAgain(from, probes[0].key)
			e.await("a hint published after the wake-up that follows a lost connection arrives", probes...)
			cancelAll(probes)
		}
		cancelAll(all)
	}
}

// fact is what the API would say of an account, and those who want to know.
type fact struct {
	key     string
	changed atomic.Bool
	readers []*reader
}

// reader reads the fact whenever it is woken.
type reader struct {
	fact *fact
	once sync.Once
	read chan struct{} // closed when the change was read
}

func (r *reader) wake() {
	if r.fact.changed.Load() {
		r.once.Do(func() { close(r.read) })
	}
}

func (e *env) facts(n int, buses []Bus) []*fact {
	e.Helper()
	all := make([]*fact, n)
	for i := range all {
		f := &fact{key: e.key()}
		for _, b := range buses {
			r := &reader{fact: f, read: make(chan struct{})}
			f.readers = append(f.readers, r)
			e.subscribe(b, f.key, r.wake)
		}
		all[i] = f
	}
	return all
}

// outage changes one fact after the other while the connection is lost and
// comes back. Each changes once; whoever has news publishes it until that is
// accepted. So whatever is lost after that is missed for ever, unless a Gap
// makes everybody look.
func outage(e *env) {
	buses := e.buses(2)
	facts := e.facts(4000, buses)
	var (
		wg     sync.WaitGroup
		stop   atomic.Bool
		next   [4]atomic.Int64
		failed = make(chan error, len(next))
	)
	for i := range next {
		wg.Go(func() {
			for j := i; j < len(facts) && !stop.Load(); j += len(next) {
				facts[j].changed.Store(true)
				if err := e.insist(buses[i%len(buses)], facts[j].key); err != nil {
					failed <- err
					return
				}
				next[i].Add(1)
				_ = pause(context.Background()) // so that there are enough of them
			}
		})
	}
	e.advance(next[:], 5)
	restore := e.breakConnection()
	_ = e.tryBriefly(buses[0], e.key())
	restore()
	e.advance(next[:], 10)
	stop.Store(true)
	e.wait("Publish", &wg)
	select {
	case err := <-failed:
		e.fatalf("Publish fails long after the connection came back: %v", err)
	default:
	}
	e.allRead(facts)
}

// advance waits until each publisher has gone on by n, if it can.
func (e *env) advance(next []atomic.Int64, n int64) {
	ctx, cancel := e.patience()
	defer cancel()
	for i := range next {
		for goal := next[i].Load() + n; next[i].Load() < goal; {
			if pause(ctx) != nil {
				return // what is wrong shows later
			}
		}
	}
}

func (e *env) allRead(facts []*fact) {
	e.Helper()
	ctx, cancel := e.patience()
	defer cancel()
	for _, f := range facts {
		if !f.changed.Load() {
			continue
		}
		for i, r := range f.readers {
			select {
			case <-r.read:
			case <-ctx.Done():
				e.fatalf("nobody misses what changes during an outage: the subscriber of %q on bus %d of %d does", f.key, i+1, len(f.readers))
			}
		}
	}
}

// broken uses buses without a connection.
func broken(e *env) {
	const n = 6
	e.useOnce()
	before := running()
	buses := e.buses(2)
	closed := make([]Bus, n)
	for i := range closed {
		closed[i] = e.bus()
	}
	restore := e.breakConnection()
	for _, b := range buses {
		if err := e.tryBriefly(b, e.key()); err == nil {
			e.Errorf("Publish returned nil without a connection: nobody has acknowledged the hint")
		}
	}
	for range n {
		e.opensNot()
	}
	for _, b := range closed {
		e.close(b)
	}
	restore()
	probes := e.probes(buses, e.key())
	e.publishAgain(buses[0], probes[0].key)
	e.await("after a lost connection hints arrive again", probes...)
	for _, b := range closed {
		e.leftAlone(b)
	}
	for _, b := range buses {
		e.close(b)
	}
	e.noneLeft(before, n)
}

// opensNot makes a bus without a connection.
func (e *env) opensNot() {
	e.Helper()
	err := e.within("New, long after its context ended,", func() error {
		ctx, cancel := brief()
		defer cancel()
		b, err := e.open(ctx)
		if err == nil {
			_ = b.Close()
		}
		return err
	})
	if err == nil {
		e.Errorf("New returned no error without a connection: it can not be active")
	}
}

// refused publishes what the broker does not take.
func refused(e *env) {
	b := e.bus()
	e.fence([]Bus{b})
	restore := sync.OnceFunc(e.config.Refuse())
	e.onCleanup(restore)
	if err := e.tryBriefly(b, e.key()); err == nil {
		e.Errorf("Publish returned nil though the broker has refused the hint")
	}
	restore()
	p := e.probe(b, e.key())
	e.publishAgain(b, p.key)
	e.await("a hint arrives when it is accepted again", p)
}
