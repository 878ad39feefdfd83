package redisbus

import (
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// NewTransport lets the tests of the package look at what New makes a Hub of.
func NewTransport(client redis.UniversalClient, opts ...Option) (statusbus.Transport, error) {
	return newTransport(client, opts...)
}

// WithCheck sets how often a silent connection is tested.
func WithCheck(d time.Duration) Option {
	return func(t *transport) { t.check = d }
}
