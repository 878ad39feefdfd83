package postpresstest

import (
	"sync"
	"time"
)

// timers runs functions later and can stop them all, waiting for those that are
// already running, so that none outlives the server.
type timers struct {
	mu      sync.Mutex
	closed  bool
	live    map[*time.Timer]struct{}
	running sync.WaitGroup
}

// after runs f in a goroutine of its own once d has passed, unless stop is called
// first. Both may hold locks that f takes: stop does not wait for f.
func (t *timers) after(d time.Duration, f func()) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return func() {}
	}
	if t.live == nil {
		t.live = make(map[*time.Timer]struct{})
	}
	t.running.Add(1)
	var timer *time.Timer
	timer = time.AfterFunc(d, func() {
		defer t.running.Done()
		t.mu.Lock() // also waits for the assignment to timer
		delete(t.live, timer)
		t.mu.Unlock()
		f()
	})
	t.live[timer] = struct{}{}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.stop(timer)
	}
}

func (t *timers) stop(timer *time.Timer) {
	if timer.Stop() {
		delete(t.live, timer)
		t.running.Done()
	}
}

func (t *timers) close() {
	t.mu.Lock()
	t.closed = true
	for timer := range t.live {
		t.stop(timer)
	}
	t.mu.Unlock()
	t.running.Wait()
}
