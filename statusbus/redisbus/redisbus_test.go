package redisbus_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/statusbus"
	"github.com/postpress-ai/postpress-go/statusbus/internal/brokertest"
	"github.com/postpress-ai/postpress-go/statusbus/redisbus"
)

// ends puts a client's end on the list of what the test has to do.
func ends[C interface{ Close() error }](t *testing.T, c C) C {
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestConfigError(t *testing.T) {
	const addr = "127.0.0.1:1" // never connected to
	for option, c := range map[string]redis.UniversalClient{
		"client":                            nil,
		"*redis.Ring":                       ends(t, redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": addr}})),
		"redis.Options.ReadTimeout":         ends(t, redis.NewClient(&redis.Options{Addr: addr, ReadTimeout: -1})),
		"redis.Options.WriteTimeout":        ends(t, redis.NewClient(&redis.Options{Addr: addr, WriteTimeout: -2})),
		"redis.ClusterOptions.ReadOnly":     ends(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}, RouteByLatency: true})),
		"redis.ClusterOptions.ReadTimeout":  ends(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}, ReadTimeout: -1})),
		"redis.ClusterOptions.WriteTimeout": ends(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}, WriteTimeout: -1})),
	} {
		t.Run(option, func(t *testing.T) {
			_, err := redisbus.New(t.Context(), c)
			var config *redisbus.ConfigError
			require.ErrorAs(t, err, &config)
			assert.Equal(t, option, config.Option)
			assert.NotEmpty(t, config.Problem)
			assert.Contains(t, err.Error(), "redisbus: "+option+": "+config.Problem)
		})
	}
}

func TestNewWithoutRedis(t *testing.T) {
	_, err := redisbus.New(t.Context(), client(t, "127.0.0.1:1"))
	require.ErrorContains(t, err, "refused")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = redisbus.New(ended, client(t, miniredis.RunT(t).Addr()))
	require.ErrorIs(t, err, context.Canceled)
}

func TestNewWithoutPermission(t *testing.T) {
	s := server(t)
	defer refuseBy(t, s.Addr(), "subscribe")()()
	_, err := redisbus.New(t.Context(), client(t, s.Addr()))
	require.ErrorContains(t, err, "NOPERM")
}

// TestPermissionIsTakenAway shows that a subscription that is refused later is
// not mistaken for one that is silent.
func TestPermissionIsTakenAway(t *testing.T) {
	s := server(t)
	admin, to := client(t, s.Addr()), bus(t, s.Addr())
	waiters := brokertest.NewCrowd(t, to, 1)
	restore := refuseBy(t, s.Addr(), "subscribe")()
	require.NoError(t, admin.Do(t.Context(), "CLIENT", "KILL", "TYPE", "pubsub").Err())
	waiters.Change(0)
	brokertest.Eventually(t, "some attempts are refused", func() error {
		log, err := admin.Do(t.Context(), "ACL", "LOG").Slice()
		if err == nil && len(log) == 0 {
			err = assert.AnError
		}
		return err
	})
	restore()
	waiters.AllAwake()
}

func TestLargeKeys(t *testing.T) {
	mini := miniredis.RunT(t)
	from, to := bus(t, mini.Addr()), bus(t, mini.Addr())
	key := strings.Repeat("\x00*>\r\n", 2<<10) // 10 KB
	woken := make(chan struct{}, 1)
	cancel, err := to.Subscribe(key, func() { woken <- struct{}{} })
	require.NoError(t, err)
	defer cancel()
	require.NoError(t, from.Publish(t.Context(), key))
	<-woken
}

func TestWithChannelSeparates(t *testing.T) {
	mini := miniredis.RunT(t)
	mine, other := bus(t, mini.Addr()), bus(t, mini.Addr(), redisbus.WithChannel("other"))
	cancel, err := other.Subscribe("acc_1", func() { t.Error("woken by another deployment") })
	require.NoError(t, err)
	defer cancel() // before Close wakes everyone
	woken := make(chan struct{}, 1)
	_, err = other.Subscribe("acc_2", func() { woken <- struct{}{} })
	require.NoError(t, err)
	require.NoError(t, mine.Publish(t.Context(), "acc_1"))
	require.NoError(t, client(t, mini.Addr()).Publish(t.Context(), "other", "acc_2").Err())
	<-woken
}

// TestOneSubscription shows that waiters do not cost connections.
func TestOneSubscription(t *testing.T) {
	mini := miniredis.RunT(t)
	brokertest.NewCrowd(t, bus(t, mini.Addr()), crowd)
	assert.Equal(t, map[string]int{redisbus.DefaultChannel: 1}, mini.PubSubNumSub(redisbus.DefaultChannel))
	assert.LessOrEqual(t, mini.CurrentConnectionCount(), 2)
}

func TestClientStaysOpen(t *testing.T) {
	mini := miniredis.RunT(t)
	c := client(t, mini.Addr())
	b, err := redisbus.New(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, b.Close())
	require.NoError(t, c.Ping(t.Context()).Err())
	require.ErrorIs(t, b.Publish(t.Context(), "acc_1"), statusbus.ErrClosed)
}

// TestClientIsClosedFirst closes what the bus uses: everybody has to look.
func TestClientIsClosedFirst(t *testing.T) {
	c := client(t, miniredis.RunT(t).Addr())
	b, err := redisbus.New(t.Context(), c)
	require.NoError(t, err)
	waiters := brokertest.NewCrowd(t, b, 10)
	for i := range waiters.Accounts() {
		waiters.Change(i)
	}
	require.NoError(t, c.Close())
	waiters.AllAwake()
	require.ErrorIs(t, b.Publish(t.Context(), "acc_1"), redis.ErrClosed)
	require.NoError(t, b.Close())
}

// TestCloseEndsPublish closes a bus while Redis does not answer.
func TestCloseEndsPublish(t *testing.T) {
	s := server(t)
	c := ends(t, redis.NewClient(&redis.Options{Addr: s.Addr(), ReadTimeout: 100 * time.Millisecond, MaxRetries: 1 << 20}))
	b, err := redisbus.New(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, b.Publish(t.Context(), "acc_1"))
	s.Pause()
	published := make(chan error)
	go func() { published <- b.Publish(context.Background(), "acc_1") }()
	select {
	case err := <-published:
		t.Fatal("Publish has returned", err)
	case <-time.After(10 * time.Millisecond): // likely to be in it now; if not, it is refused
	}
	require.NoError(t, b.Close())
	require.ErrorIs(t, <-published, statusbus.ErrClosed)
}
