package natsbus

import (
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// NewTransport lets the tests of the package look at what New makes a Hub of.
func NewTransport(nc *nats.Conn, opts ...Option) (statusbus.Transport, error) {
	return newTransport(nc, opts...)
}

// WithLimit sets how long Publish waits for a hint to come back.
func WithLimit(d time.Duration) Option {
	return func(t *transport) { t.limit = d }
}
