// Package statusbustest tells whether a [statusbus.Bus], or an adapter that
// brings a [statusbus.Transport] for a broker, keeps the promises that waiting
// for a connection rests on. An adapter runs it against the real broker:
//
//	func TestConformance(t *testing.T) {
//		statusbustest.Run(t, statusbustest.Config{
//			Transport: func() (statusbus.Transport, func(), error) {
//				client, err := broker.Dial(proxy.Addr()) // a process of its own
//				if err != nil {
//					return nil, nil, err
//				}
//				return mybus.New(client), func() { client.Close() }, nil
//			},
//			Break:  proxy.Break,
//			Refuse: server.Deny,
//		})
//	}
//
// Nothing in it depends on speed: what has to come is waited for, for up to
// Config.Timeout, and a check that passes takes as long as the broker takes.
// Hints may come twice, late, in any order and for nothing. What may not happen
// is that a hint is lost without an error and without a wake-up after it.
//
// # The checks
//
// Each is a subtest, so that one alone can be run with
// go test -run 'TestConformance/Gap':
//
//   - Barrier: a hint published right after New, or right after Subscribe, arrives.
//   - Delivery: a hint reaches every subscriber of its key, on every bus.
//   - Echo: it reaches those of the bus it was published on.
//   - Keys: hostile keys ("*", ">", "a.b", "", NUL, 512 bytes, …) arrive, and wake nobody else.
//   - Cancel: wake is not called after cancel has returned; others are; cancelling twice is fine.
//   - Close: wakes everyone, ends everything, statusbus.ErrClosed from then on; other buses go on.
//   - Stop: the Receiver is not called after stop has returned.
//   - Goroutines: none is left after Close.
//   - Context: that of New bounds the beginning only; that of Publish ends it with an error.
//   - Concurrency: subscribers come and go while many publish. Run it with -race.
//   - Many: 10,000 subscribers on one bus.
//   - Gap: after a lost connection every subscriber is woken, and hints arrive again.
//   - Outage: whatever changes before, during and after it, everybody learns of it.
//   - Broken: without a connection Publish and New fail, within their context; Close works.
//   - Refused: Publish fails when the broker does not take the hint.
//
// The last four need Break or Refuse, Stop needs Transport, and all of them are
// skipped without. An adapter without Break is not tested where adapters are
// wrong most often.
package statusbustest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// Bus is a bus that can be closed, as *statusbus.Hub is. After Close has
// returned, Publish and Subscribe return statusbus.ErrClosed.
type Bus interface {
	statusbus.Bus
	// Close ends the bus and everything it started.
	Close() error
}

// Config says how to make what is tested. Transport or Bus is needed, the rest
// is optional. The functions are called by one goroutine at a time. While the
// suite runs, nobody else should use the part of the broker that the buses use,
// nor run tests in parallel in the same process.
type Config struct {
	// Transport makes a transport as one more process would, on the broker that
	// all others of this Config use. The suite makes a statusbus.Hub of it, and
	// calls release, unless that is nil, when the Hub is closed: it should end
	// what was made for this transport alone, such as the client.
	Transport func() (tr statusbus.Transport, release func(), err error)

	// Bus makes a whole bus instead, for those that are no Hub.
	Bus func(ctx context.Context) (Bus, error)

	// Single says that every bus is alone: it serves one process and has no
	// broker. Checks that need two buses then use one.
	Single bool

	// Break cuts the connections of all buses to the broker. When it returns, the
	// broker can not be reached, by new connections either, until restore is
	// called. Stopping the broker does it; so does a proxy in front of it.
	Break func() (restore func())

	// Refuse makes the broker, still connected, refuse what is published, until
	// restore is called: by permissions, a full disk, a missing stream.
	Refuse func() (restore func())

	// Timeout bounds the wait for whatever has to come, 15 seconds by default. It
	// should be well above the time that clients take to connect again.
	Timeout time.Duration
}

func (c Config) withDefaults() (Config, error) {
	if (c.Transport == nil) == (c.Bus == nil) {
		return c, errors.New("statusbustest: set one of Config.Transport and Config.Bus")
	}
	if c.Timeout <= 0 {
		c.Timeout = 15 * time.Second
	}
	return c, nil
}

// Run runs every check as a subtest of t.
func Run(t *testing.T, config Config) {
	t.Helper()
	config, err := config.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			if reason := c.missing(config); reason != "" {
				t.Skip(reason)
			}
			c.exec(t, config)
		})
	}
}

// check is one promise. needs says which optional fields of Config it takes.
type check struct {
	name  string
	run   func(*env)
	needs need
}

type need int

const (
	needsNothing need = iota
	needsTransport
	needsBreak
	needsRefuse
)

func checks() []check {
	return []check{
		{"Barrier", barrier, needsNothing},
		{"Delivery", delivery, needsNothing},
		{"Echo", echo, needsNothing},
		{"Keys", keys, needsNothing},
		{"Cancel", cancelling, needsNothing},
		{"Close", closing, needsNothing},
		{"Stop", stopping, needsTransport},
		{"Goroutines", goroutines, needsNothing},
		{"Context", contexts, needsNothing},
		{"Concurrency", concurrency, needsNothing},
		{"Many", many, needsNothing},
		{"Gap", gap, needsBreak},
		{"Outage", outage, needsBreak},
		{"Broken", broken, needsBreak},
		{"Refused", refused, needsRefuse},
	}
}

// missing says why the check can not run, if it can not.
func (c check) missing(config Config) string {
	switch {
	case c.needs == needsTransport && config.Transport == nil:
		return "needs Config.Transport"
	case c.needs == needsBreak && config.Break == nil:
		return "needs Config.Break"
	case c.needs == needsRefuse && config.Refuse == nil:
		return "needs Config.Refuse"
	}
	return ""
}

// exec runs the check, and ends whatever it has begun, also when it fails.
func (c check) exec(t tester, config Config) {
	t.Helper()
	e := newEnv(t, config)
	defer e.cleanup()
	c.run(e)
}

// tester is what a check needs of *testing.T: the tests of this package put a
// recorder there, to show that every check can fail.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
}
