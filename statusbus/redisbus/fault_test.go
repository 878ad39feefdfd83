package redisbus_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/statusbus/internal/brokertest"
	"github.com/postpress-ai/postpress-go/statusbus/redisbus"
)

const crowd = 1000

// soon is how long after the broker's return the last of a crowd is awake, at the
// latest. The busy machines that tests run on get more; TestKill does not when
// it is run to measure.
const soon = 10 * time.Second

// TestKill kills Redis while a crowd waits and hints are published. It does so
// once, or as often as POSTPRESS_KILL_RUNS says; then within the promised second.
func TestKill(t *testing.T) {
	limit := soon
	runs, _ := strconv.Atoi(os.Getenv("POSTPRESS_KILL_RUNS"))
	if runs > 0 {
		limit = time.Second
	}
	s := server(t)
	for i := range max(1, runs) {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			o := brokertest.Outage{From: bus(t, s.Addr()), To: bus(t, s.Addr()), Begin: s.Kill, End: s.Restart}
			r := o.Run(t, crowd)
			t.Log(r)
			assert.Positive(t, r.Acknowledged)
			assert.Positive(t, r.Reported)
			assert.LessOrEqual(t, r.Awake, limit)
		})
	}
}

// TestPause stops Redis for a while. No connection is lost, so there is nothing
// that makes everybody look: what was sent meanwhile arrives when Redis goes on.
func TestPause(t *testing.T) {
	s := server(t)
	from, waiters := bus(t, s.Addr()), brokertest.NewCrowd(t, bus(t, s.Addr()), crowd)
	for i := range crowd / 2 {
		require.NoError(t, waiters.Publish(from, i, brokertest.Patience))
	}
	s.Pause()
	start := time.Now()
	require.ErrorIs(t, waiters.Publish(from, crowd/2, 200*time.Millisecond), context.DeadlineExceeded)
	assert.Less(t, time.Since(start), 2*time.Second, "Publish ends with its context, though go-redis reads on")
	s.Resume()
	for i := crowd / 2; i < crowd; i++ {
		require.NoError(t, waiters.Publish(from, i, brokertest.Patience))
	}
	back := time.Now()
	assert.LessOrEqual(t, waiters.AllAwake().Sub(back), soon)
}

// TestCut cuts the connection of those who wait, and of nobody else: all hints
// are acknowledged, none arrives.
func TestCut(t *testing.T) {
	s := server(t)
	proxy := brokertest.NewProxy(t, s.Addr())
	from, waiters := bus(t, s.Addr()), brokertest.NewCrowd(t, bus(t, proxy.Addr()), crowd)
	restore := proxy.Cut()
	for i := range crowd {
		require.NoError(t, waiters.Publish(from, i, brokertest.Patience))
	}
	restore()
	back := time.Now()
	awake := waiters.AllAwake().Sub(back)
	t.Logf("all awake after %v", awake)
	assert.LessOrEqual(t, awake, soon)
}

// TestSilence loses the packets of those who wait: nothing says that the
// connection has died.
func TestSilence(t *testing.T) {
	s := server(t)
	proxy := brokertest.NewProxy(t, s.Addr())
	to := bus(t, proxy.Addr(), redisbus.WithCheck(50*time.Millisecond))
	from, waiters := bus(t, s.Addr()), brokertest.NewCrowd(t, to, crowd)
	proxy.Silence()
	for i := range crowd {
		require.NoError(t, waiters.Publish(from, i, brokertest.Patience))
	}
	waiters.AllAwake()
}

// TestQuickReconnect ends the connection on the server's side while it is up.
func TestQuickReconnect(t *testing.T) {
	s := server(t)
	admin := client(t, s.Addr())
	from, to := bus(t, s.Addr()), bus(t, s.Addr())
	for range 5 {
		waiters := brokertest.NewCrowd(t, to, 10)
		require.NoError(t, admin.Do(t.Context(), "CLIENT", "KILL", "TYPE", "pubsub").Err())
		for i := range 10 {
			require.NoError(t, waiters.Publish(from, i, brokertest.Patience))
		}
		waiters.AllAwake()
	}
}

// slow is a receiver that takes nothing until it is let go.
type slow struct {
	gate        chan struct{}
	once        sync.Once
	hints, gaps atomic.Int64
}

func (s *slow) Hint(string) {
	s.hints.Add(1)
	<-s.gate
}

func (s *slow) Gap() { s.gaps.Add(1) }

func (s *slow) letGo() { s.once.Do(func() { close(s.gate) }) }

// TestSlowConsumer publishes more than Redis keeps for a connection: it cuts it.
func TestSlowConsumer(t *testing.T) {
	s := server(t, "--client-output-buffer-limit", "pubsub 64kb 0 0")
	tr, err := redisbus.NewTransport(client(t, s.Addr()))
	require.NoError(t, err)
	r := &slow{gate: make(chan struct{})}
	stop, err := tr.Listen(t.Context(), r)
	require.NoError(t, err)
	defer stop()
	defer r.letGo()

	raw := client(t, s.Addr())
	big := string(make([]byte, 10<<10))
	published := 0
	brokertest.Eventually(t, "Redis cuts the connection", func() error {
		for range 200 {
			published++
			if n := raw.Publish(t.Context(), redisbus.DefaultChannel, big).Val(); n == 0 {
				return nil // nobody listens any more
			}
		}
		return fmt.Errorf("after %d hints of 10 KB", published)
	})
	r.letGo()
	brokertest.Eventually(t, "Gap", func() error {
		if r.gaps.Load() == 0 {
			return fmt.Errorf("none after %d of %d hints", r.hints.Load(), published)
		}
		return nil
	})
	assert.Less(t, r.hints.Load(), int64(published), "some were lost")
}

// TestSlotMoves takes the channel's slot away from the node that is listened to.
func TestSlotMoves(t *testing.T) {
	s := cluster(t)
	admin := client(t, s.Addr())
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}})
	defer c.Close()
	b, err := redisbus.New(t.Context(), c)
	require.NoError(t, err)
	defer b.Close()
	waiters := brokertest.NewCrowd(t, b, 10)
	slot := admin.ClusterKeySlot(t.Context(), redisbus.DefaultChannel).Val()
	require.NoError(t, admin.ClusterDelSlots(t.Context(), int(slot)).Err())
	for i := range waiters.Accounts() {
		waiters.Change(i)
	}
	require.NoError(t, admin.ClusterAddSlots(t.Context(), int(slot)).Err())
	waiters.AllAwake()
}
