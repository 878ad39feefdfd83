package natsbus_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/statusbus"
	"github.com/postpress-ai/postpress-go/statusbus/internal/brokertest"
	"github.com/postpress-ai/postpress-go/statusbus/natsbus"
)

// program is the nats-server of the version in go.mod, which names it as a tool:
// it is built when it is first needed, by the go command that runs the test.
var program = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "tool", "-n", "nats-server").Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("go tool -n nats-server: %w: %s", err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
})

// server starts a nats-server of its own for a test or benchmark.
func server(tb testing.TB, args ...string) *brokertest.Server {
	tb.Helper()
	path, err := program()
	brokertest.Require(tb, err)
	return brokertest.Start(tb, path, func(host, port string) []string {
		return append([]string{"-a", host, "-p", port}, args...)
	}, answers)
}

func answers(addr string) error {
	answer, err := brokertest.Talk(addr, "")
	if err == nil && !strings.HasPrefix(answer, "INFO ") {
		err = errors.New(answer)
	}
	return err
}

// inProcess starts a server in this process.
func inProcess(tb testing.TB) *natsserver.Server {
	tb.Helper()
	s, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoSigs: true})
	require.NoError(tb, err)
	s.Start()
	tb.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	require.True(tb, s.ReadyForConnections(brokertest.Patience))
	return s
}

// connect connects as one more process would. What a test makes happen is not
// logged by nats.go.
func connect(tb testing.TB, addr string, opts ...nats.Option) *nats.Conn {
	tb.Helper()
	if !strings.Contains(addr, "://") {
		addr = "nats://" + addr
	}
	nc, err := nats.Connect(addr, append(defaults(), opts...)...)
	require.NoError(tb, err)
	tb.Cleanup(nc.Close)
	return nc
}

func defaults() []nats.Option {
	return []nats.Option{natsbus.Resilient(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})}
}

// bus makes a bus as one more process would.
func bus(tb testing.TB, addr string, opts ...natsbus.Option) *statusbus.Hub {
	tb.Helper()
	b, err := natsbus.New(tb.Context(), connect(tb, addr), opts...)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, b.Close()) })
	return b
}

// transports makes them for the conformance suite. Connections are also made
// while the server can not be reached, which is for New to find.
func transports(url string) func() (statusbus.Transport, func(), error) {
	return func() (statusbus.Transport, func(), error) {
		opts := append(defaults(), nats.RetryOnFailedConnect(true), nats.Timeout(time.Second))
		nc, err := nats.Connect(url, opts...)
		if err != nil {
			return nil, nil, err
		}
		t, err := natsbus.NewTransport(nc)
		return t, nc.Close, err
	}
}
