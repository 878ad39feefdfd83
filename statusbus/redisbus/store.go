package redisbus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// DefaultPrefix is what the keys of a Store begin with without WithPrefix.
const DefaultPrefix = "postpress.link:"

// Store keeps the state of linking attempts in Redis, so that any replica serves
// them and another one goes on where one dies. It is a linkhttp.Store:
//
//	store, err := redisbus.NewStore(client)
//	…
//	handler, err := linkhttp.NewHandler(linkhttp.Config{Store: store, Secret: secret, …})
//
// An attempt is one key of about 2 KB, encrypted by package linkhttp, which Redis
// forgets by itself. There is nothing to close. It is safe for concurrent use.
type Store struct {
	client redis.UniversalClient
	prefix string
}

// StoreOption changes how NewStore sets up a Store.
type StoreOption func(*Store)

// WithPrefix sets what all keys begin with. All processes of one deployment need
// the same; two deployments that share a database of a Redis need two.
func WithPrefix(prefix string) StoreOption {
	return func(s *Store) { s.prefix = prefix }
}

// NewStore makes a Store over client, which may be that of a bus, and sends
// nothing yet. The client is yours and stays so: nothing on it is changed.
//
// It returns a *ConfigError for a client with which values would get lost unnoticed or
// calls would hang for ever. A user of Redis needs permission for GET, SET, EVAL
// and EVALSHA on keys with the prefix. What Redis forgets, in a failover or for lack
// of memory, the replica that runs the attempt writes again with its next save; in
// between, whoever watches from another one is told that the attempt is lost.
func NewStore(client redis.UniversalClient, opts ...StoreOption) (*Store, error) {
	err := check(client,
		"where a shard fails, another one serves its keys, which then exist twice; use *redis.Client on one of them",
		"with it, or with RouteByLatency or RouteRandomly, values are read from a replica, which may not have those just written; use a client without them")
	if err != nil {
		return nil, err
	}
	s := &Store{client: client, prefix: DefaultPrefix}
	for _, o := range opts {
		o(s)
	}
	return s, nil
}

// tokenSize is how many random bytes stand before each value: they tell a Swap
// that go-redis repeats, since its answer was lost, from that of another.
const tokenSize = 16

// Load implements linkhttp.Store.
func (s *Store) Load(ctx context.Context, key string) ([]byte, error) {
	kept, err := await(ctx, func() ([]byte, error) { return s.client.Get(ctx, s.prefix+key).Bytes() })
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("redisbus: GET: %w", err)
	}
	return kept[min(tokenSize, len(kept)):], nil
}

// swap answers 1 where it has replaced the value. A value, or that there is none,
// is told apart by the "=" before it.
var swap = redis.NewScript(`
local kept = redis.call("GET", KEYS[1])
if kept == ARGV[2] then return 1 end
local value = kept and "=" .. string.sub(kept, tonumber(ARGV[4]) + 1) or ""
if value ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[3])
return 1`)

// Swap implements linkhttp.Store.
func (s *Store) Swap(ctx context.Context, key string, old, new []byte, keep time.Duration) (bool, error) {
	var before []byte
	if old != nil {
		before = append([]byte("="), old...)
	}
	after := make([]byte, tokenSize, tokenSize+len(new))
	_, _ = rand.Read(after) // never fails
	after = append(after, new...)
	millis := max(keep.Milliseconds(), 1) // 0 is an error to Redis
	swapped, err := await(ctx, func() (bool, error) {
		return swap.Run(ctx, s.client, []string{s.prefix + key}, before, after, millis, tokenSize).Bool()
	})
	if err != nil {
		return false, fmt.Errorf("redisbus: EVALSHA: %w", err)
	}
	return swapped, nil
}

// await does not wait for go-redis longer than for ctx, which by default that
// heeds between attempts only. What is left behind ends after ReadTimeout.
func await[T any](ctx context.Context, do func() (T, error)) (result T, err error) {
	if err := ctx.Err(); err != nil {
		return result, err
	}
	done := make(chan struct{})
	var answer T
	var failed error
	go func() {
		defer close(done)
		answer, failed = do()
	}()
	select {
	case <-done:
		return answer, failed
	case <-ctx.Done():
		return result, ctx.Err()
	}
}
