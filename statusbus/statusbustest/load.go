package statusbustest

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// concurrency lets subscribers come and go while many publish, on every bus, in
// turn for one of a few keys and for one of their own. Each waits for a hint
// that is published after it came.
func concurrency(e *env) {
	const (
		workers = 16
		rounds  = 50
	)
	buses := e.buses(2)
	shared := []string{e.key(), e.key(), e.key()}
	var (
		wg     sync.WaitGroup
		missed atomic.Int64
		errs   = make(chan error, workers)
	)
	for i := range workers {
		wg.Go(func() {
			for j := range rounds {
				key := shared[j%len(shared)]
				if j%2 == 0 {
					key = fmt.Sprintf("%s-%d-%d", key, i, j)
				}
				woken, err := e.once(buses[i%len(buses)], buses[(i+j/2)%len(buses)], key)
				if err != nil {
					errs <- err
					return
				}
				if !woken {
					missed.Add(1)
					return
				}
			}
		})
	}
	e.wait("Publish, Subscribe or cancel, concurrently,", &wg)
	close(errs)
	for err := range errs {
		e.Errorf("with %d at a time: %v", workers, err)
	}
	if n := missed.Load(); n > 0 {
		e.Errorf("%d of %d concurrent subscribers were not woken by a hint published after Subscribe had returned", n, workers)
	}
}

// once subscribes on one bus, publishes on another, and waits.
func (e *env) once(to, from Bus, key string) (woken bool, err error) {
	ctx, done := e.patience()
	defer done()
	signal := make(chan struct{}, 1)
	cancel, err := to.Subscribe(key, func() {
		select {
		case signal <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return false, err
	}
	defer cancel()
	if err := from.Publish(ctx, key); err != nil {
		return false, err
	}
	select {
	case <-signal:
		return true, nil
	case <-ctx.Done():
		return false, nil
	}
}

// many subscribes 10,000 times: to 9,000 keys of which some get a hint, and
// 1,000 times to one.
func many(e *env) {
	buses := e.buses(2)
	from, to := buses[0], buses[len(buses)-1]
	var single, same []*probe
	for range 9000 {
		single = append(single, e.probe(to, e.key()))
	}
	key := e.key()
	for range 1000 {
		same = append(same, e.probe(to, key))
	}
	for i := 0; i < len(single); i += 50 {
		e.publish(from, single[i].key)
	}
	for i := 0; i < len(single); i += 50 {
		e.await("a hint reaches one subscriber among 10,000", single[i])
	}
	for _, p := range same {
		p.reset()
	}
	e.publish(from, key)
	e.await("a hint reaches 1,000 subscribers of one key", same...)
	cancelAll(single)
	cancelAll(same[1:])
	same[0].reset()
	e.publish(from, key)
	e.await("a hint reaches the one of 10,000 that has stayed", same[0])
}
