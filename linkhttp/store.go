package linkhttp

import (
	"bytes"
	"context"
	"sync"
	"time"
)

// Store keeps the state of attempts where all replicas reach it. Values are opaque
// and encrypted, about 2 KB; keys are 22 letters, digits, "-" and "_". It is safe for
// concurrent use. Package linkhttptest tells whether an implementation is right.
type Store interface {
	// Load gives the value of key, or nil and no error where there is none.
	Load(ctx context.Context, key string) ([]byte, error)

	// Swap replaces old by new, atomically, and has it forgotten after keep, which
	// is counted anew from each swap. A nil old means that there must not be a
	// value. It returns false, and changes nothing, where the value is not old.
	// After an error it may or may not have happened.
	Swap(ctx context.Context, key string, old, new []byte, keep time.Duration) (bool, error)
}

// MemoryStore is a Store within one process: the default, and for tests.
type MemoryStore struct {
	mu     sync.Mutex
	values map[string]kept
	swept  time.Time
}

type kept struct {
	value []byte
	until time.Time
}

// sweepEvery is how often a MemoryStore drops what is to be forgotten.
const sweepEvery = time.Minute

// NewMemoryStore gives an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{values: map[string]kept{}, swept: time.Now()} }

// Load implements Store.
func (s *MemoryStore) Load(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.get(key, time.Now())), nil
}

// Swap implements Store.
func (s *MemoryStore) Swap(ctx context.Context, key string, old, new []byte, keep time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.sweep(now)
	current := s.get(key, now)
	if (current == nil) != (old == nil) || !bytes.Equal(current, old) {
		return false, nil
	}
	s.values[key] = kept{bytes.Clone(new), now.Add(keep)}
	return true, nil
}

func (s *MemoryStore) get(key string, now time.Time) []byte {
	if v, ok := s.values[key]; ok && now.Before(v.until) {
		return v.value
	}
	return nil
}

func (s *MemoryStore) sweep(now time.Time) {
	if now.Sub(s.swept) < sweepEvery {
		return
	}
	s.swept = now
	for key, v := range s.values {
		if !now.Before(v.until) {
			delete(s.values, key)
		}
	}
}
