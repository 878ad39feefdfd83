package redisbus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postpress-ai/postpress-go/statusbus"
)

const (
	// activation bounds the wait for Redis to confirm a subscription.
	activation = 5 * time.Second
	// minPause and maxPause bound the time between two attempts to connect.
	// maxPause decides how soon after its return everybody knows that Redis is back.
	minPause = 50 * time.Millisecond
	maxPause = 500 * time.Millisecond
)

// listener keeps a subscription, over as many connections as it takes.
//
// It does not use PubSub.Channel, which drops what nobody takes, hides that it
// has connected again, and keeps a connection whose subscription was refused.
type listener struct {
	*transport
	to    statusbus.Receiver
	begun bool
	first chan error // the outcome of the first attempt
}

// Listen implements statusbus.Transport.
func (t *transport) Listen(ctx context.Context, r statusbus.Receiver) (stop func(), err error) {
	l := &listener{transport: t, to: r, first: make(chan error, 1)}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.run(life)
	}()
	stop = func() {
		cancel()
		<-ended
		t.calls.end()
	}
	select {
	case err = <-l.first:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("redisbus: %s: %w", t.subscribeCommand(), err)
	}
	return stop, nil
}

// run holds one session after the other until ctx ends, or the client is closed
// by its owner, which is for good: then everybody has to look for themselves.
func (l *listener) run(ctx context.Context) {
	for pause := minPause; ctx.Err() == nil; pause = min(2*pause, maxPause) {
		active, err := l.session(ctx)
		switch {
		case !l.begun:
			l.first <- err
			return
		case ctx.Err() != nil:
			return
		case !active && errors.Is(err, redis.ErrClosed):
			l.to.Gap()
			return
		case active:
			pause = minPause
		}
		// Replicas that lost the same server do not come back at the same moment.
		wait(ctx, pause/2+rand.N(pause/2))
	}
}

// session subscribes and delivers until the connection is lost. It returns an
// error always, and tells whether it was active before.
func (l *listener) session(ctx context.Context) (active bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()

	ps := l.client.Subscribe(ctx) // to nothing yet, which does not connect
	running.Go(func() {
		<-ctx.Done()
		_ = ps.Close() // ends what reads
	})
	if err := l.activate(ctx, ps); err != nil {
		return false, err
	}
	if l.begun {
		l.to.Gap()
	} else {
		l.begun = true
		l.first <- nil
	}
	var heard atomic.Bool
	running.Go(func() { l.watch(ctx, ps, &heard, cancel) })
	for {
		m, err := ps.Receive(ctx)
		if err != nil {
			return true, err
		}
		heard.Store(true)
		if err := l.take(m); err != nil {
			return true, err
		}
	}
}

func (t *transport) subscribeCommand() string {
	if t.sharded {
		return "ssubscribe"
	}
	return "subscribe"
}

// activate returns when Redis has confirmed the subscription.
func (l *listener) activate(ctx context.Context, ps *redis.PubSub) error {
	subscribe := ps.Subscribe
	if l.sharded {
		subscribe = ps.SSubscribe
	}
	if err := subscribe(ctx, l.channel); err != nil {
		return err
	}
	// A timeout in the middle of an answer would confuse go-redis. It does not
	// matter here: after any error the connection is given up.
	m, err := ps.ReceiveTimeout(ctx, activation)
	if err != nil {
		return err
	}
	if s, ok := m.(*redis.Subscription); !ok || s.Kind != l.subscribeCommand() {
		return fmt.Errorf("unexpected answer %v", m)
	}
	return nil
}

// take delivers what was received. An error ends the session.
func (l *listener) take(m any) error {
	switch m := m.(type) {
	case *redis.Message:
		l.to.Hint(m.Payload)
	case *redis.Subscription:
		if m.Kind != l.subscribeCommand() {
			return fmt.Errorf("subscription ended by Redis: %v", m) // the slot has moved
		}
		l.to.Gap() // go-redis has connected again by itself
	}
	return nil
}

// watch tests a connection that is silent, since one that has died does not say
// so: it sends a PING, and gives up when nothing has come until the next time.
func (l *listener) watch(ctx context.Context, ps *redis.PubSub, heard *atomic.Bool, giveUp func()) {
	tick := time.NewTicker(l.check)
	defer tick.Stop()
	for silent := 0; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if heard.Swap(false) {
			silent = 0
			continue
		}
		if silent++; silent > 1 || ps.Ping(ctx) != nil {
			giveUp()
			return
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
