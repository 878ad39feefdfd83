// Package statusbus wakes whoever waits for an account when somebody else
// learns that it may have changed: the webhook lands on one goroutine, or on
// one replica, and the person waits on another.
//
// A bus carries hints, not facts: "look again at this account". A hint may come
// twice, late, or for nothing; whoever is woken reads the account and trusts
// what is read. So nothing on the bus is secret, and nothing on it can lie.
//
// [NewMemory] serves one process. Adapters for brokers implement [Transport];
// [New] turns one into a [Bus] with a single subscription per process, however
// many wait. Package statusbustest tells whether an adapter keeps its promises.
package statusbus

import (
	"context"
	"errors"
)

// Bus is what postpress.WithStatusBus and the webhook handler take. A nil Bus
// means polling alone. Implementations are safe for concurrent use.
type Bus interface {
	// Publish hints that the account may have changed. It returns nil only when
	// the hint is on its way: for a broker, when that has acknowledged it. When
	// ctx ends first, it returns an error that wraps that of ctx.
	Publish(ctx context.Context, accountID string) error

	// Subscribe calls wake for every hint published after it has returned, and
	// whenever hints may have been lost. wake may be called at any time, from
	// any goroutine, also for nothing. It must return at once, and neither call
	// the bus nor take a lock under which somebody calls the bus: a send to a
	// channel that never blocks is best. After cancel has returned, wake is not
	// called any more; cancel may be called more than once.
	Subscribe(accountID string, wake func()) (cancel func(), err error)
}

// Transport is what an adapter brings: a broker that takes hints from any
// process to all of them, the sender included. It is safe for concurrent use;
// Publish may be running, or begin, while stop runs and after it.
type Transport interface {
	// Publish sends a hint and returns nil only when the broker has acknowledged
	// it, and an error when it cannot or ctx ends. The key is any string, at most
	// a few hundred bytes: it may be empty, not UTF-8, or what the broker takes
	// for a wildcard.
	Publish(ctx context.Context, key string) error

	// Listen begins to deliver to r, and returns when that is active: a hint
	// published after Listen has returned arrives. It goes on, through lost
	// connections, until stop is called; after each of them it calls r.Gap, once
	// hints arrive again. ctx bounds the beginning only. When stop returns, also
	// while the connection is lost, r is not called any more and no goroutine is
	// left; nor is one after an error.
	Listen(ctx context.Context, r Receiver) (stop func(), err error)
}

// Receiver takes what a Transport delivers. Its methods return at once and may
// be called concurrently, also before Listen has returned.
type Receiver interface {
	// Hint delivers one hint.
	Hint(key string)
	// Gap says that hints may have been lost, and that from now on they arrive again.
	Gap()
}

// ErrClosed is returned by a Hub that was closed.
var ErrClosed = errors.New("statusbus: closed")
