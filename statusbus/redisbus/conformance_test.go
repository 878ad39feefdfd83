package redisbus_test

import (
	"context"
	"net"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/postpress-ai/postpress-go/statusbus/internal/brokertest"
	"github.com/postpress-ai/postpress-go/statusbus/statusbustest"
)

func TestMiniredisConforms(t *testing.T) {
	mini := miniredis.RunT(t)
	proxy := brokertest.NewProxy(t, mini.Addr())
	statusbustest.Run(t, statusbustest.Config{
		Transport: transports(to(proxy.Addr())),
		Break:     proxy.Cut,
		Refuse: func() func() {
			mini.SetError("ERR refused by the test")
			return func() { mini.SetError("") }
		},
	})
}

// TestRedisConforms breaks connections as a crash does.
func TestRedisConforms(t *testing.T) {
	s := server(t)
	statusbustest.Run(t, statusbustest.Config{
		Transport: transports(to(s.Addr())),
		Break: func() func() {
			s.Kill()
			return s.Restart
		},
		Refuse: func() func() {
			return refuseBy(t, s.Addr(), "publish")()
		},
		Timeout: brokertest.Patience,
	})
}

// TestClusterConforms uses a cluster of one node: commands, routing and failures
// of a cluster client.
func TestClusterConforms(t *testing.T) {
	s := cluster(t)
	proxy := brokertest.NewProxy(t, s.Addr())
	statusbustest.Run(t, statusbustest.Config{
		Transport: transports(func() redis.UniversalClient {
			return redis.NewClusterClient(&redis.ClusterOptions{
				Addrs: []string{proxy.Addr()},
				Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, network, proxy.Addr()) // not the address the node tells
				},
			})
		}),
		Break:   proxy.Cut,
		Refuse:  refuseBy(t, s.Addr(), "spublish"),
		Timeout: brokertest.Patience,
	})
}
