// Package natsbus runs a status bus over core NATS, for backends of more than
// one process: the webhook lands on one replica and the person waits on another.
//
//	nc, err := nats.Connect(url, natsbus.Resilient())
//	…
//	bus, err := natsbus.New(ctx, nc)
//	…
//	defer bus.Close()
//	pp, err := postpress.New(key, postpress.WithStatusBus(bus))
//
// The connection is yours and stays so: no handler on it is set, and closing the
// bus does not close it. The bus has one subscription on it, however many wait.
// Hints are the payloads of one subject, so any string up to the server's
// max_payload is an account id, and `nats pub postpress.status acc_1` is a hint.
// (As tokens of a subject, long ids would exceed the server's max_control_line,
// upon which it closes the connection, which others use too.)
//
// # What is promised
//
// Publish returns nil when the hint has come back through the bus's own
// subscription: then the server has handed it to everybody who listens. Neither
// nats.Conn.Publish, which fills a buffer, nor a Flush after it tells that: a
// buffer that gets lost with its connection, and a subject that may not be
// published to, would go unnoticed. A user of the server needs permission to
// publish and to subscribe to the subject.
//
// What the server has taken reaches everybody who listens, unless a connection is
// lost on the way, or a process is too slow and nats.go drops what it has
// received. Whoever has lost something is woken, within a tenth of a second of
// the connection's return. While NATS is away, Publish returns errors, and
// waiting falls back to polling: nothing is lost but speed.
//
// In a cluster, servers tell each other of subscriptions and hints without
// confirmation: a hint may be lost when the link between two servers breaks, or in
// the first milliseconds after a process has connected. Polling finds it.
//
// # What to configure
//
// Resilient sets all of it. Without it: nats.MaxReconnects(-1), since a
// connection that gives up is refused by New; nats.ReconnectWait well below its 2
// seconds, the time that passes until everybody is back; nats.PingInterval
// well below its 2 minutes, a third of the time after which a connection that
// has silently died is found. The same credentials refused twice end a
// connection for good unless nats.IgnoreAuthErrorAbort is set; that is yours to
// decide. When it happens, everybody is woken a last time.
package natsbus

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// DefaultSubject is the subject that hints use without WithSubject.
const DefaultSubject = "postpress.status"

// Option changes how New sets up a bus.
type Option func(*transport)

// WithSubject sets the subject. All processes of one deployment need the same;
// two deployments that share an account of a server need two. It must be a
// subject to publish to, without wildcards.
func WithSubject(subject string) Option {
	return func(t *transport) { t.subject = subject }
}

// Resilient is an option for nats.Connect with what a bus needs: connect again
// for ever, four times a second and not all processes at the same moment, and
// notice within half a minute that a connection has died. Options after it win.
func Resilient() nats.Option {
	return func(o *nats.Options) error {
		o.AllowReconnect = true
		o.MaxReconnect = -1
		o.ReconnectWait = 250 * time.Millisecond
		o.ReconnectJitter = 100 * time.Millisecond
		o.ReconnectJitterTLS = 250 * time.Millisecond
		o.PingInterval = 10 * time.Second
		return nil
	}
}

// New makes a bus over nc and returns when the server has confirmed that it
// listens. ctx bounds that only; without a deadline it is bounded by 10 seconds.
//
// It returns a *ConfigError when nc is configured in a way with which hints would
// get lost unnoticed, an error when nc is not connected within ctx, and one that
// wraps nats.ErrPermissionViolation when the subject may not be subscribed to.
// Close of the bus ends its subscription and Publish calls that are under way,
// not nc. The bus is safe for concurrent use.
func New(ctx context.Context, nc *nats.Conn, opts ...Option) (*statusbus.Hub, error) {
	t, err := newTransport(nc, opts...)
	if err != nil {
		return nil, err
	}
	return statusbus.New(ctx, t)
}

// ConfigError is returned by New for a connection or an option that does not
// fit: with it, hints would get lost without anybody noticing.
type ConfigError struct {
	// Option names what is wrong, such as "nats.MaxReconnects".
	Option string
	// Problem says why, and what to use instead.
	Problem string
}

// Error implements error.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("natsbus: %s: %s", e.Option, e.Problem)
}

// check looks for what makes a connection give up, or keeps hints from it.
func check(nc *nats.Conn, subject string) error {
	switch {
	case nc == nil:
		return &ConfigError{"nc", "is nil"}
	case !nc.Opts.AllowReconnect:
		return &ConfigError{"nats.NoReconnect", "a lost connection is never made again; leave it out"}
	case nc.Opts.MaxReconnect >= 0:
		return &ConfigError{"nats.MaxReconnects", fmt.Sprintf("the connection is given up for good after %d attempts (60 is the default of nats.go); use natsbus.Resilient, or nats.MaxReconnects(-1)", nc.Opts.MaxReconnect)}
	case nc.Opts.NoEcho:
		return &ConfigError{"nats.NoEcho", "a process would not get its own hints, and could not tell whether the server has taken them; use a connection without it"}
	case !literal(subject):
		return &ConfigError{"natsbus.WithSubject", fmt.Sprintf("%q is not a subject to publish to", subject)}
	}
	return nil
}

// literal tells whether a subject is well-formed and has no wildcards.
func literal(subject string) bool {
	for token := range strings.SplitSeq(subject, ".") {
		if token == "" || token == "*" || token == ">" || strings.ContainsAny(token, " \t\r\n\x00\f") {
			return false
		}
	}
	return true
}
