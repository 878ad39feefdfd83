package postpress

import (
	"context"
	"sync"
	"time"
)

// pace lets callers pass one after another, an interval apart, in the order
// they came; after a rest, as many as fit into a second pass at once.
type pace struct {
	turn chan struct{}
	next time.Time // under turn

	mu     sync.Mutex
	paused time.Time
}

func newPace() *pace { return &pace{turn: make(chan struct{}, 1)} }

const burst = time.Second

func (p *pace) pass(ctx context.Context, changed <-chan struct{}, interval time.Duration) bool {
	select {
	case p.turn <- struct{}{}:
	case <-changed:
		return false
	case <-ctx.Done():
		return false
	}
	defer func() { <-p.turn }()
	if !sleep(ctx, changed, p.wait()) {
		return false
	}
	earliest := time.Now().Add(interval - burst)
	if p.next.Before(earliest) {
		p.next = earliest
	}
	p.next = p.next.Add(interval)
	return true
}

func (p *pace) wait() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(time.Until(p.next), time.Until(p.paused))
}

func (p *pace) pause(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(d); until.After(p.paused) {
		p.paused = until
	}
}

// sleep is false where ctx or changed ended it.
func sleep(ctx context.Context, changed <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-changed:
		return false
	case <-ctx.Done():
		return false
	}
}
