package linkhttp

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// flakyStore can be cut off, for one replica or for all.
type flakyStore struct {
	*MemoryStore
	down  atomic.Bool
	loads atomic.Int32
	slow  atomic.Bool
}

var errDown = errors.New("the store is down")

func (s *flakyStore) Load(ctx context.Context, key string) ([]byte, error) {
	s.loads.Add(1)
	s.rest()
	if s.down.Load() {
		return nil, errDown
	}
	return s.MemoryStore.Load(ctx, key)
}

func (s *flakyStore) Swap(ctx context.Context, key string, old, new []byte, keep time.Duration) (bool, error) {
	s.rest()
	if s.down.Load() {
		return false, errDown
	}
	return s.MemoryStore.Swap(ctx, key, old, new, keep)
}

func (s *flakyStore) rest() {
	if s.slow.Load() {
		time.Sleep(200 * time.Millisecond)
	}
}

const testLease = 400 * time.Millisecond

// replica is one Handler of several that share their attempts.
type replica struct {
	h     *Handler
	e     *fakeEngine
	url   string
	store *flakyStore
}

func newReplicas(t *testing.T, n int, change func(*Config)) []replica {
	t.Helper()
	shared, all := NewMemoryStore(), make([]replica, n)
	for i := range all {
		store := &flakyStore{MemoryStore: shared}
		h, e := newTestHandler(t, func(c *Config) {
			c.Store, c.Secret, c.LeaseTime = store, []byte("0123456789abcdef0123456789abcdef"), testLease
			if change != nil {
				change(c)
			}
		})
		all[i] = replica{h, e, serve(t, h), store}
	}
	return all
}

// die is what kill -9 does: nothing is given back, no stream is ended.
func (r replica) die() { r.h.end() }
