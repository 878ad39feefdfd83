package postpresstest

import (
	"crypto/sha256"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limiter is a token bucket per API key; with a burst of 0 it lets everything pass.
type limiter struct {
	burst int
	per   time.Duration

	mu      sync.Mutex
	buckets map[[sha256.Size]byte]*bucket
}

// bucket counts in time: a token is worth per/burst, so that no fraction is lost.
type bucket struct {
	credit time.Duration
	at     time.Time
}

func (l *limiter) take(caller [sha256.Size]byte, now time.Time) *apiError {
	if l.burst == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	token := max(l.per/time.Duration(l.burst), 1)
	full := token * time.Duration(l.burst)
	b := l.buckets[caller]
	if b == nil {
		b = &bucket{credit: full, at: now}
		if l.buckets == nil {
			l.buckets = make(map[[sha256.Size]byte]*bucket)
		}
		l.buckets[caller] = b
	}
	b.credit = min(full, b.credit+now.Sub(b.at))
	b.at = now
	if b.credit >= token {
		b.credit -= token
		return nil
	}
	err := fail(http.StatusTooManyRequests, "too_many_requests", "the rate limit of this API key is used up")
	err.retryAfter = strconv.Itoa(int(math.Ceil((token - b.credit).Seconds())))
	return err
}
