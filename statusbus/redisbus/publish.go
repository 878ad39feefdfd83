package redisbus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// transport is the statusbus.Transport of New, which makes one Hub of it.
type transport struct {
	client  redis.UniversalClient
	channel string
	sharded bool          // sharded Pub/Sub, for a cluster
	check   time.Duration // how often a silent connection is tested

	calls calls
}

func newTransport(client redis.UniversalClient, opts ...Option) (*transport, error) {
	err := check(client,
		"each shard knows only the hints published on it, and the shard of a channel changes unnoticed; use *redis.Client on one of them",
		"with it, or with RouteByLatency or RouteRandomly, a replica would be listened to, and what it misses goes unnoticed; use a client without them")
	if err != nil {
		return nil, err
	}
	t := &transport{client: client, channel: DefaultChannel, check: 5 * time.Second}
	t.calls.ended = make(chan struct{})
	_, t.sharded = client.(*redis.ClusterClient)
	for _, o := range opts {
		o(t)
	}
	return t, nil
}

// Publish implements statusbus.Transport.
//
// It does not wait for go-redis longer than for ctx: by default that heeds a
// context between attempts only, and reads until ReadTimeout. What is left
// behind then ends by itself, and stop waits for it.
func (t *transport) Publish(ctx context.Context, key string) error {
	if !t.calls.enter() {
		return statusbus.ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // no further attempt
	done := make(chan error, 1)
	go func() {
		defer t.calls.leave()
		done <- t.publish(ctx, key)
	}()
	select {
	case err := <-done:
		return explain(ctx, err)
	case <-ctx.Done():
		return fmt.Errorf("redisbus: PUBLISH: %w", ctx.Err())
	case <-t.calls.ended:
		return statusbus.ErrClosed
	}
}

// publish returns when Redis has answered. How many it reached does not matter:
// who listens, and is not connected at the moment, gets a Gap.
func (t *transport) publish(ctx context.Context, key string) error {
	if t.sharded {
		return t.client.SPublish(ctx, t.channel, key).Err()
	}
	return t.client.Publish(ctx, t.channel, key).Err()
}

// explain adds the error of ctx, which go-redis replaces by that of the socket.
func explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("redisbus: PUBLISH: %w (%w)", ctx.Err(), err)
	default:
		return fmt.Errorf("redisbus: PUBLISH: %w", err)
	}
}

// calls counts the calls of go-redis that are under way, so that none of them
// outlives the bus.
type calls struct {
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
	ended   chan struct{} // closed when no more may enter
}

func (c *calls) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.running.Add(1)
	return true
}

func (c *calls) leave() { c.running.Done() }

// end interrupts the calls and waits for them.
func (c *calls) end() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.ended)
	}
	c.mu.Unlock()
	c.running.Wait()
}
