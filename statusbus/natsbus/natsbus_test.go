package natsbus_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/statusbus"
	"github.com/postpress-ai/postpress-go/statusbus/internal/brokertest"
	"github.com/postpress-ai/postpress-go/statusbus/natsbus"
)

func TestConfigError(t *testing.T) {
	addr := inProcess(t).Addr().String()
	good := connect(t, addr)
	for _, c := range []struct {
		option string
		nc     *nats.Conn
		opts   []natsbus.Option
	}{
		{"nc", nil, nil},
		{"nats.NoReconnect", connect(t, addr, nats.NoReconnect()), nil},
		{"nats.MaxReconnects", connect(t, addr, nats.MaxReconnects(nats.DefaultMaxReconnect)), nil},
		{"nats.MaxReconnects", connect(t, addr, nats.MaxReconnects(0)), nil},
		{"nats.NoEcho", connect(t, addr, nats.NoEcho()), nil},
		{"natsbus.WithSubject", good, []natsbus.Option{natsbus.WithSubject("")}},
		{"natsbus.WithSubject", good, []natsbus.Option{natsbus.WithSubject("a..b")}},
		{"natsbus.WithSubject", good, []natsbus.Option{natsbus.WithSubject("a.*")}},
		{"natsbus.WithSubject", good, []natsbus.Option{natsbus.WithSubject(">")}},
		{"natsbus.WithSubject", good, []natsbus.Option{natsbus.WithSubject("a b")}},
	} {
		_, err := natsbus.New(t.Context(), c.nc, c.opts...)
		var config *natsbus.ConfigError
		require.ErrorAs(t, err, &config, c.option)
		assert.Equal(t, c.option, config.Option)
		assert.NotEmpty(t, config.Problem)
		assert.Contains(t, err.Error(), "natsbus: "+c.option+": "+config.Problem)
	}
	assert.Zero(t, good.NumSubscriptions())
}

func TestNewWithoutNATS(t *testing.T) {
	nc, err := nats.Connect("nats://127.0.0.1:1", append(defaults(), nats.RetryOnFailedConnect(true))...)
	require.NoError(t, err)
	defer nc.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = natsbus.New(ctx, nc)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Zero(t, nc.NumSubscriptions())

	nc.Close()
	_, err = natsbus.New(t.Context(), nc)
	require.ErrorIs(t, err, nats.ErrConnectionClosed)
}

func TestSubscribeIsNotPermitted(t *testing.T) {
	s := newPermissive(t)
	nc := connect(t, s.url())
	s.allow(t, sendOnly)
	for range 2 { // the first error is not taken for the second
		_, err := natsbus.New(t.Context(), nc)
		require.ErrorIs(t, err, nats.ErrPermissionViolation)
	}
	s.allow(t, everything)
	b, err := natsbus.New(t.Context(), nc)
	require.NoError(t, err, "an old error is not taken for a new one")
	require.NoError(t, b.Publish(t.Context(), "acc_1"))
	require.NoError(t, b.Close())
}

func TestPublishIsNotPermitted(t *testing.T) {
	s := newPermissive(t)
	b := bus(t, s.url(), natsbus.WithLimit(100*time.Millisecond))
	s.allow(t, nothing)
	err := b.Publish(t.Context(), "acc_1")
	require.ErrorContains(t, err, "has not come back")
	require.ErrorContains(t, err, "Permissions Violation")
}

// TestPermissionIsTakenAway shows that nobody is told that hints arrive again
// while the subscription is refused.
func TestPermissionIsTakenAway(t *testing.T) {
	s := newPermissive(t)
	nc := connect(t, s.url(), nats.PermissionErrOnSubscribe(true))
	b, err := natsbus.New(t.Context(), nc)
	require.NoError(t, err)
	defer b.Close()
	s.allow(t, sendOnly)
	require.NoError(t, nc.ForceReconnect())
	brokertest.Eventually(t, "the subscription is refused", func() error {
		if err := nc.LastError(); err == nil || !strings.Contains(err.Error(), "Subscription") {
			return assert.AnError
		}
		return nil
	})
	waiters := brokertest.NewCrowd(t, b, 1)
	waiters.Change(0)
	s.allow(t, everything)
	require.NoError(t, nc.ForceReconnect())
	waiters.AllAwake()
	require.NoError(t, b.Publish(t.Context(), "acc_1"))
}

func TestPublishWithoutConnection(t *testing.T) {
	s := server(t)
	b := bus(t, s.Addr())
	s.Kill()
	for range 10 { // before and after nats.go notices
		start := time.Now()
		require.ErrorIs(t, b.Publish(t.Context(), "acc_1"), nats.ErrDisconnected)
		assert.Less(t, time.Since(start), 2*time.Second)
	}
}

func TestLargeKeys(t *testing.T) {
	addr := inProcess(t).Addr().String()
	from, to := bus(t, addr), bus(t, addr)
	key := strings.Repeat("\x00*>\r\n", 2<<10) // 10 KB
	woken := make(chan struct{}, 1)
	cancel, err := to.Subscribe(key, func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	require.NoError(t, err)
	defer cancel()
	require.NoError(t, from.Publish(t.Context(), key))
	<-woken
	require.ErrorIs(t, from.Publish(t.Context(), strings.Repeat("k", 2<<20)), nats.ErrMaxPayload)
	require.NoError(t, from.Publish(t.Context(), key), "the connection lives on")
}

func TestWithSubjectSeparates(t *testing.T) {
	addr := inProcess(t).Addr().String()
	mine, other := bus(t, addr), bus(t, addr, natsbus.WithSubject("other.deployment"))
	cancel, err := other.Subscribe("acc_1", func() { t.Error("woken by another deployment") })
	require.NoError(t, err)
	defer cancel() // before Close wakes everyone
	woken := make(chan struct{}, 1)
	cancel2, err := other.Subscribe("acc_2", func() { woken <- struct{}{} })
	require.NoError(t, err)
	defer cancel2()
	require.NoError(t, mine.Publish(t.Context(), "acc_1"))
	require.NoError(t, connect(t, addr).Publish("other.deployment", []byte("acc_2")))
	<-woken
}

// TestOneSubscription shows that waiters cost the server nothing.
func TestOneSubscription(t *testing.T) {
	nc := connect(t, inProcess(t).Addr().String())
	b, err := natsbus.New(t.Context(), nc)
	require.NoError(t, err)
	brokertest.NewCrowd(t, b, crowd)
	assert.Equal(t, 1, nc.NumSubscriptions())
	require.NoError(t, b.Close())
	assert.Zero(t, nc.NumSubscriptions())
	assert.True(t, nc.IsConnected(), "closing the bus does not close the connection")
	require.ErrorIs(t, b.Publish(t.Context(), "acc_1"), statusbus.ErrClosed)
}

// TestConnectionEndsFirst closes or drains what the bus uses: everybody has to
// look.
func TestConnectionEndsFirst(t *testing.T) {
	addr := inProcess(t).Addr().String()
	for name, end := range map[string]func(*nats.Conn){
		"Close": (*nats.Conn).Close,
		"Drain": func(nc *nats.Conn) { _ = nc.Drain() },
	} {
		t.Run(name, func(t *testing.T) {
			nc := connect(t, addr)
			b, err := natsbus.New(t.Context(), nc)
			require.NoError(t, err)
			waiters := brokertest.NewCrowd(t, b, 10)
			for i := range waiters.Accounts() {
				waiters.Change(i)
			}
			end(nc)
			waiters.AllAwake()
			require.ErrorIs(t, b.Publish(t.Context(), "acc_1"), nats.ErrConnectionClosed)
			require.NoError(t, b.Close())
		})
	}
}

// TestCloseEndsPublish closes a bus while NATS does not answer.
func TestCloseEndsPublish(t *testing.T) {
	s := server(t)
	b := bus(t, s.Addr())
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
