package redisbus_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/statusbus"
	"github.com/postpress-ai/postpress-go/statusbus/internal/brokertest"
	"github.com/postpress-ai/postpress-go/statusbus/redisbus"
)

// server starts a redis-server of its own for a test or benchmark.
func server(tb testing.TB, args ...string) *brokertest.Server {
	tb.Helper()
	path, err := exec.LookPath("redis-server")
	brokertest.Require(tb, err)
	dir := tb.TempDir()
	return brokertest.Start(tb, path, func(host, port string) []string {
		return append([]string{"--bind", host, "--port", port, "--save", "", "--dir", dir}, args...)
	}, answers)
}

func answers(addr string) error {
	answer, err := brokertest.Talk(addr, "PING\r\n")
	if err == nil && answer != "+PONG\r\n" {
		err = errors.New(answer)
	}
	return err
}

// cluster starts a Redis Cluster of one node.
func cluster(tb testing.TB) *brokertest.Server {
	tb.Helper()
	s := server(tb, "--cluster-enabled", "yes", "--cluster-require-full-coverage", "no")
	_, err := brokertest.Talk(s.Addr(), "CLUSTER ADDSLOTSRANGE 0 16383\r\n")
	require.NoError(tb, err)
	brokertest.Eventually(tb, "the cluster is ready", func() error {
		c := redis.NewClient(&redis.Options{Addr: s.Addr()})
		defer c.Close()
		return c.Do(context.Background(), "SET", "k", "v").Err()
	})
	return s
}

// client connects to addr as one more process would.
func client(tb testing.TB, addr string) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: addr})
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

// bus makes a bus as one more process would.
func bus(tb testing.TB, addr string, opts ...redisbus.Option) *statusbus.Hub {
	tb.Helper()
	b, err := redisbus.New(tb.Context(), client(tb, addr), opts...)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, b.Close()) })
	return b
}

// transports makes them for the conformance suite.
func transports(dial func() redis.UniversalClient) func() (statusbus.Transport, func(), error) {
	return func() (statusbus.Transport, func(), error) {
		c := dial()
		t, err := redisbus.NewTransport(c)
		return t, func() { _ = c.Close() }, err
	}
}

func to(addr string) func() redis.UniversalClient {
	return func() redis.UniversalClient { return redis.NewClient(&redis.Options{Addr: addr}) }
}

// refuseBy makes a real server refuse a command of all that use the default user.
func refuseBy(tb testing.TB, addr, command string) func() (restore func()) {
	do := func(line string) {
		_, err := brokertest.Talk(addr, "AUTH admin admin\r\n"+line+"\r\n")
		require.NoError(tb, err)
	}
	_, err := brokertest.Talk(addr, "ACL SETUSER admin on >admin ~* &* +@all\r\n")
	require.NoError(tb, err)
	return func() func() {
		do(fmt.Sprintf("ACL SETUSER default -%s", command))
		return func() { do(fmt.Sprintf("ACL SETUSER default +%s", command)) }
	}
}
