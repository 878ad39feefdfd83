//go:build unix

package brokertest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// Crowd is many who wait for one account each, as those do who link one: woken,
// each looks at what is true, and waits on if that has not changed.
type Crowd struct {
	tb      testing.TB
	waiters []*waiter
}

type waiter struct {
	account string
	changed atomic.Bool // what the API would say
	again   chan struct{}
	awake   chan struct{} // closed when the change was seen
	at      time.Time     // when that was
}

// NewCrowd lets n wait on a bus. They leave at the end of the test.
func NewCrowd(tb testing.TB, bus statusbus.Bus, n int) *Crowd {
	tb.Helper()
	c := &Crowd{tb: tb}
	over := make(chan struct{})
	var wg sync.WaitGroup
	var cancels []func()
	for i := range n {
		w := &waiter{account: fmt.Sprintf("acc_%d", i), again: make(chan struct{}, 1), awake: make(chan struct{})}
		cancel, err := bus.Subscribe(w.account, w.wake)
		if err != nil {
			tb.Fatal(err)
		}
		cancels = append(cancels, cancel)
		c.waiters = append(c.waiters, w)
		wg.Go(func() { w.wait(over) })
	}
	tb.Cleanup(func() {
		for _, cancel := range cancels {
			cancel()
		}
		close(over)
		wg.Wait()
	})
	return c
}

func (w *waiter) wake() {
	select {
	case w.again <- struct{}{}:
	default: // it will look already
	}
}

func (w *waiter) wait(over <-chan struct{}) {
	for {
		select {
		case <-w.again:
		case <-over:
			return
		}
		if w.changed.Load() {
			w.at = time.Now()
			close(w.awake)
			return
		}
	}
}

// Accounts returns how many wait.
func (c *Crowd) Accounts() int { return len(c.waiters) }

// Change makes the news of account i true, and tells nobody.
func (c *Crowd) Change(i int) { c.waiters[i].changed.Store(true) }

// Publish makes the news of account i true and publishes them, once.
func (c *Crowd) Publish(bus statusbus.Bus, i int, limit time.Duration) error {
	c.Change(i)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return bus.Publish(ctx, c.waiters[i].account)
}

// AllAwake waits until everyone has seen the news and returns when the last of
// them did. Who does not is reported: it would hang for ever.
func (c *Crowd) AllAwake() (last time.Time) {
	c.tb.Helper()
	end := time.NewTimer(Patience)
	defer end.Stop()
	var hung int
	for _, w := range c.waiters {
		select {
		case <-w.awake:
		default:
			select {
			case <-w.awake:
			case <-end.C:
				end.Reset(0) // the others are only counted
				hung++
				continue
			}
		}
		if w.at.After(last) {
			last = w.at
		}
	}
	if hung > 0 {
		c.tb.Fatalf("%d of %d hang", hung, len(c.waiters))
	}
	return last
}
