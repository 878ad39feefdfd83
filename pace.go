package postpress

import (
	"context"
	"sync"
	"time"
)

// pace lets callers pass one after another, an interval apart, in the order
// they came; after a rest, as many at once as fit into the burst.
type pace struct {
	interval time.Duration
	turn     chan struct{}
	next     time.Time // when the next one may pass; under turn

	mu     sync.Mutex
	paused time.Time // until when nobody may
}

const burst = time.Second

func newPace(perSecond float64) *pace {
	// The bound keeps absurdly low rates from overflowing.
	interval := time.Duration(min(float64(time.Second)/perSecond, float64(time.Hour)))
	return &pace{interval: interval, turn: make(chan struct{}, 1)}
}

// pass is false where ctx or changed ended it.
func (p *pace) pass(ctx context.Context, changed <-chan struct{}) bool {
	if !take(ctx, changed, p.turn) {
		return false
	}
	defer release(p.turn)
	at := p.earliest()
	for time.Until(at) > 0 {
		if !sleep(ctx, changed, time.Until(at)) {
			return false
		}
		at = p.earliest() // there may have been a pause meanwhile
	}
	p.next = at.Add(p.interval)
	return true
}

// earliest is when the next one may pass. What a rest saves up is bounded, and
// a pause saves up nothing.
func (p *pace) earliest() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	saved := time.Now().Add(-max(0, burst-p.interval))
	return latestOf(p.next, p.paused, saved)
}

// rest waits for the end of a pause, and for nothing else.
func (p *pace) rest(ctx context.Context, changed <-chan struct{}) bool {
	p.mu.Lock()
	left := time.Until(p.paused)
	p.mu.Unlock()
	return sleep(ctx, changed, left)
}

func (p *pace) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = latestOf(p.paused, time.Now().Add(d))
}

func latestOf(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// take puts something into a channel of bounded room, which stands for a turn
// or a place. It is false where ctx or changed ended it.
func take(ctx context.Context, changed <-chan struct{}, room chan<- struct{}) bool {
	select {
	case room <- struct{}{}:
		return true
	case <-changed:
	case <-ctx.Done():
	}
	return false
}

func release(room <-chan struct{}) { <-room }

// sleep is false where ctx or changed ended it, even where there is no need to sleep.
func sleep(ctx context.Context, changed <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		select {
		case <-changed:
			return false
		default:
			return ctx.Err() == nil
		}
	}
	select {
	case <-time.After(d):
		return true
	case <-changed:
	case <-ctx.Done():
	}
	return false
}
