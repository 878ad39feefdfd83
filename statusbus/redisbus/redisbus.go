// Package redisbus runs a status bus over Redis, for backends of more than one
// process: the webhook lands on one replica and the person waits on another.
//
//	bus, err := redisbus.New(ctx, client)
//	…
//	defer bus.Close()
//	pp, err := postpress.New(key, postpress.WithStatusBus(bus))
//
// The client is yours and stays so: nothing on it is changed, and closing the
// bus does not close it. Beside the connections of its pool, which take what is
// published, one connection per process listens, however many wait. Hints are
// the payloads of one Pub/Sub channel, so any string is an account id, and
// PUBLISH from any program is a hint. The bus stores nothing in Redis.
//
// # What is promised
//
// Publish returns nil when Redis has answered PUBLISH. What Redis has taken
// reaches everybody who listens, unless a connection is lost on the way; whoever
// loses it is woken when it is back, at most half a second after Redis is. A
// connection that has silently died is found within 15 seconds. While Redis is
// away, and up to a second longer, since go-redis then tries no more often,
// Publish returns errors, and waiting falls back to polling: nothing is lost but
// speed.
//
// # Which Redis
//
// Any client of go-redis v9 but *redis.Ring, of which every shard knows only its
// own hints. With *redis.Client, connect to the primary: a replica keeps what is
// published on it to itself. After a failover Sentinel closes the connections to
// the old primary, so everybody is woken. With *redis.ClusterClient the bus uses
// sharded Pub/Sub (Redis 7), since in a cluster plain PUBLISH crosses nodes
// without anybody noticing what gets lost.
//
// # Linking attempts
//
// Beside the bus, and independent of it, NewStore keeps the attempts of package
// linkhttp where all replicas reach them. That does store something: see Store.
package redisbus

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// DefaultChannel is the Pub/Sub channel that hints use without WithChannel.
const DefaultChannel = "postpress.status"

// Option changes how New sets up a bus.
type Option func(*transport)

// WithChannel sets the Pub/Sub channel. All processes of one deployment need the
// same; two deployments that share a Redis need two, also when they use
// different databases, since Redis does not separate channels by database.
func WithChannel(name string) Option {
	return func(t *transport) { t.channel = name }
}

// New makes a bus over client and returns when it listens. ctx bounds that
// only; when Redis does not answer at all, New returns up to the client's
// ReadTimeout later than ctx ends.
//
// It returns a *ConfigError when the client is of a kind, or configured in a
// way, with which hints would get lost unnoticed, and the error of go-redis when
// Redis can not be reached or does not permit SUBSCRIBE. Close of the bus ends
// the listening and Publish calls that are under way, not the client; when Redis
// does not answer, that takes up to ReadTimeout too. The bus is safe for
// concurrent use.
func New(ctx context.Context, client redis.UniversalClient, opts ...Option) (*statusbus.Hub, error) {
	t, err := newTransport(client, opts...)
	if err != nil {
		return nil, err
	}
	return statusbus.New(ctx, t)
}
