package natsbus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// activation bounds the wait for the server to confirm a subscription.
const activation = 10 * time.Second

// listener keeps the subscription, and tells when hints may have been lost.
type listener struct {
	*transport
	to  statusbus.Receiver
	sub *nats.Subscription
}

// Listen implements statusbus.Transport.
func (t *transport) Listen(ctx context.Context, r statusbus.Receiver) (stop func(), err error) {
	reconnects, before := t.nc.Stats().Reconnects, t.nc.LastError()
	sub, err := t.nc.SubscribeSync(t.subject)
	if err != nil {
		return nil, fmt.Errorf("natsbus: subscribe: %w", err)
	}
	l := &listener{transport: t, to: r, sub: sub}
	if err := l.activate(ctx, before); err != nil {
		_ = sub.Unsubscribe()
		return nil, fmt.Errorf("natsbus: subscribe: %w", err)
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { l.receive(life) })
	running.Go(func() { l.watch(life, reconnects) })
	return func() {
		t.echoes.close(statusbus.ErrClosed)
		cancel()
		running.Wait()
		_ = sub.Unsubscribe() // fails when the owner has closed or drained the connection, which ends it too
	}, nil
}

// receive delivers until ctx or the connection ends.
func (l *listener) receive(ctx context.Context) {
	for {
		m, err := l.sub.NextMsgWithContext(ctx)
		switch {
		case err == nil:
			l.to.Hint(string(m.Data))
			l.echoes.came(m.Reply)
		case ctx.Err() != nil || !l.sub.IsValid():
			return
		case errors.Is(err, nats.ErrSlowConsumer): // comes once; watch counts what was dropped
		default: // by nats.PermissionErrOnSubscribe, until the connection is made again
			wait(ctx, l.look)
		}
	}
}

// activate returns when the server has confirmed that it knows the subscription:
// it answers in order, a PING after what was sent before, also what nats.go sends
// again after a reconnect. A refusal is told before the answer, and to the
// connection alone; before is what that said last.
func (l *listener) activate(ctx context.Context, before error) error {
	ctx, cancel := context.WithTimeout(ctx, activation)
	defer cancel()
	for {
		err := l.nc.FlushWithContext(ctx)
		switch {
		case err == nil:
			return l.refusal(before)
		case ctx.Err() != nil || l.nc.IsClosed():
			return err
		}
		// The connection was lost, for which nats.go has no better error here.
		wait(ctx, l.look)
	}
}

// refusal returns the error with which the server has refused the subscription.
func (l *listener) refusal(before error) error {
	last := l.nc.LastError()
	if last != before && errors.Is(last, nats.ErrPermissionViolation) &&
		strings.Contains(last.Error(), fmt.Sprintf("Subscription to %q", l.subject)) {
		return last
	}
	return nil
}

// watch looks at two counters of nats.go, which miss nothing: how often the
// connection was made again, and how many messages were dropped because the
// receiver was too slow. The handlers that tell of both belong to the owner of
// the connection, and nats.Conn.StatusChanged drops events, and forgets who
// listens, when they follow each other too fast.
//
// It ends with ctx, or when the owner has closed the connection, which is for
// good: then everybody has to look for themselves.
func (l *listener) watch(ctx context.Context, reconnects uint64) {
	tick := time.NewTicker(l.look)
	defer tick.Stop()
	dropped := 0
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if l.nc.IsClosed() {
			l.echoes.close(nats.ErrConnectionClosed)
			l.to.Gap()
			return
		}
		if now, err := l.sub.Dropped(); err == nil && now != dropped {
			dropped = now
			l.to.Gap()
		}
		if !l.nc.IsConnected() {
			l.echoes.lost(l.nc.Stats().Reconnects + 1)
			continue
		}
		if now := l.nc.Stats().Reconnects; now != reconnects {
			l.echoes.lost(now)
			if l.again(ctx, now) {
				reconnects = now
				l.to.Gap()
			}
		}
	}
}

// again tells whether hints arrive again, through the connection that was made
// for the given time. If not, the next look will tell.
func (l *listener) again(ctx context.Context, reconnects uint64) bool {
	// nats.go has forgotten older errors when it connected.
	return l.activate(ctx, nil) == nil && l.nc.Stats().Reconnects == reconnects
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
