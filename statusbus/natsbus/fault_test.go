package natsbus_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/statusbus/internal/brokertest"
	"github.com/postpress-ai/postpress-go/statusbus/natsbus"
)

const crowd = 1000

// soon is how long after the broker's return the last of a crowd is awake, at the
// latest. The busy machines that tests run on get more; TestKill does not when
// it is run to measure.
const soon = 10 * time.Second

// TestKill kills NATS while a crowd waits and hints are published. It does so
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

// TestPause stops NATS for a while. No connection is lost, so there is nothing
// that makes everybody look: what was sent meanwhile arrives when NATS goes on.
func TestPause(t *testing.T) {
	s := server(t)
	from, waiters := bus(t, s.Addr()), brokertest.NewCrowd(t, bus(t, s.Addr()), crowd)
	for i := range crowd / 2 {
		require.NoError(t, waiters.Publish(from, i, brokertest.Patience))
	}
	s.Pause()
	require.ErrorIs(t, waiters.Publish(from, crowd/2, 200*time.Millisecond), context.DeadlineExceeded)
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

// TestCutWhilePublishing loses what is under way: what nats.go has in its buffers
// does not count as published, also when it connects again at once.
func TestCutWhilePublishing(t *testing.T) {
	s := server(t)
	proxy := brokertest.NewProxy(t, s.Addr())
	from, to := bus(t, proxy.Addr()), bus(t, s.Addr())
	for range 5 {
		o := brokertest.Outage{From: from, To: to, Begin: func() {}, End: func() { proxy.Cut()() }}
		// Nobody listens through the proxy, so there is no Gap, and those who are
		// told of nothing would wait for ever.
		r := o.RunTold(t, crowd)
		t.Log(r)
	}
}

// TestSilence loses the packets of those who wait: nothing says that the
// connection has died.
func TestSilence(t *testing.T) {
	s := server(t)
	proxy := brokertest.NewProxy(t, s.Addr())
	nc := connect(t, proxy.Addr(), nats.PingInterval(50*time.Millisecond))
	to, err := natsbus.New(t.Context(), nc)
	require.NoError(t, err)
	defer to.Close()
	from, waiters := bus(t, s.Addr()), brokertest.NewCrowd(t, to, crowd)
	proxy.Silence()
	for i := range crowd {
		require.NoError(t, waiters.Publish(from, i, brokertest.Patience))
	}
	waiters.AllAwake()
}

// TestQuickReconnect connects again at once, which is over before anybody looks.
// The handlers of the connection's owner are called as before.
func TestQuickReconnect(t *testing.T) {
	s := server(t)
	var reconnects atomic.Int64
	nc := connect(t, s.Addr(), nats.ReconnectHandler(func(*nats.Conn) { reconnects.Add(1) }))
	to, err := natsbus.New(t.Context(), nc)
	require.NoError(t, err)
	defer to.Close()
	for range 5 {
		waiters := brokertest.NewCrowd(t, to, 10)
		for i := range waiters.Accounts() {
			waiters.Change(i)
		}
		require.NoError(t, nc.ForceReconnect())
		waiters.AllAwake()
	}
	assert.EqualValues(t, 5, reconnects.Load())
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

// TestSlowConsumer publishes more than nats.go keeps for a subscription: it drops
// the rest, and goes on.
func TestSlowConsumer(t *testing.T) {
	s := server(t)
	nc := connect(t, s.Addr(), nats.SyncQueueLen(16))
	tr, err := natsbus.NewTransport(nc, natsbus.WithLimit(100*time.Millisecond))
	require.NoError(t, err)
	r := &slow{gate: make(chan struct{})}
	stop, err := tr.Listen(t.Context(), r)
	require.NoError(t, err)
	defer stop()
	defer r.letGo()

	raw := connect(t, s.Addr())
	for range 100 {
		require.NoError(t, raw.Publish(natsbus.DefaultSubject, []byte("acc_1")))
	}
	brokertest.Eventually(t, "Gap", func() error {
		if r.gaps.Load() == 0 {
			return fmt.Errorf("none after %d hints", r.hints.Load())
		}
		return nil
	})
	r.letGo()
	brokertest.Eventually(t, "it goes on", func() error { return tr.Publish(t.Context(), "acc_1") })
}
