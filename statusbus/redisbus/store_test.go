package redisbus_test

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/linkhttp"
	"github.com/postpress-ai/postpress-go/linkhttp/linkhttptest"
	"github.com/postpress-ai/postpress-go/statusbus/redisbus"
)

// store makes a store as one more process would.
func store(tb testing.TB, c redis.UniversalClient, opts ...redisbus.StoreOption) *redisbus.Store {
	tb.Helper()
	s, err := redisbus.NewStore(c, opts...)
	require.NoError(tb, err)
	return s
}

// TestStoreOnMiniredis moves its clock along: it forgets nothing by itself.
func TestStoreOnMiniredis(t *testing.T) {
	mini := miniredis.RunT(t)
	ctx, stop := context.WithCancel(t.Context())
	var clock atomic.Bool
	go func() {
		defer clock.Store(true)
		for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			mini.FastForward(10 * time.Millisecond)
		}
	}()
	linkhttptest.TestStore(t, func() linkhttp.Store { return store(t, client(t, mini.Addr())) })
	stop()
	require.Eventually(t, clock.Load, 10*time.Second, time.Millisecond)
}

func TestStoreOnRedis(t *testing.T) {
	s := server(t)
	linkhttptest.TestStore(t, func() linkhttp.Store { return store(t, client(t, s.Addr())) })
}

func TestStoreOnCluster(t *testing.T) {
	s := cluster(t)
	linkhttptest.TestStore(t, func() linkhttp.Store {
		return store(t, ends(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}})))
	})
}

func TestStoreConfigError(t *testing.T) {
	const addr = "127.0.0.1:1" // never connected to
	for option, c := range map[string]redis.UniversalClient{
		"client":                        nil,
		"*redis.Ring":                   ends(t, redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": addr}})),
		"redis.Options.ReadTimeout":     ends(t, redis.NewClient(&redis.Options{Addr: addr, ReadTimeout: -1})),
		"redis.ClusterOptions.ReadOnly": ends(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}, ReadOnly: true})),
	} {
		_, err := redisbus.NewStore(c)
		var config *redisbus.ConfigError
		require.ErrorAs(t, err, &config)
		assert.Equal(t, option, config.Option)
	}
}

// TestStoreLeavesTheRestAlone looks at what is in Redis afterwards.
func TestStoreLeavesTheRestAlone(t *testing.T) {
	mini := miniredis.RunT(t)
	c := client(t, mini.Addr())
	before := *c.Options()
	require.NoError(t, mini.Set("key", "the user's"))
	for s, value := range map[*redisbus.Store]string{store(t, c): "one", store(t, c, redisbus.WithPrefix("staging:")): "two"} {
		swapped, err := s.Swap(t.Context(), "key", nil, []byte(value), time.Minute)
		require.NoError(t, err)
		require.True(t, swapped, "deployments with a prefix each do not meet")
	}
	assert.Equal(t, []string{"key", redisbus.DefaultPrefix + "key", "staging:key"}, mini.Keys())
	assert.Equal(t, time.Minute, mini.TTL("staging:key"))
	assert.Zero(t, mini.TTL("key"))
	after := *c.Options()
	for _, o := range []*redis.Options{&before, &after} { // functions cannot be compared
		o.Dialer, o.DialerRetryBackoff, o.OnConnect, o.TLSConfig, o.PushNotificationProcessor = nil, nil, nil, nil, nil
	}
	assert.Equal(t, before, after)
}

// TestStoreEmptyAndForeignValues has values for which "nothing" must not be mistaken.
func TestStoreEmptyAndForeignValues(t *testing.T) {
	mini := miniredis.RunT(t)
	s := store(t, client(t, mini.Addr()))
	swap := func(old, new []byte, want bool) {
		t.Helper()
		swapped, err := s.Swap(t.Context(), "key", old, new, 0)
		require.NoError(t, err)
		require.Equal(t, want, swapped)
	}
	swap([]byte{}, []byte("v"), false)
	swap(nil, []byte{}, true)
	swap(nil, []byte("v"), false)
	value, err := s.Load(t.Context(), "key")
	require.NoError(t, err)
	require.Equal(t, []byte{}, value)
	swap([]byte{}, []byte("v"), true)

	require.NoError(t, mini.Set(redisbus.DefaultPrefix+"key", "short")) // by whoever
	value, err = s.Load(t.Context(), "key")
	require.NoError(t, err)
	swap(value, []byte("v"), true)

	mini.Del(redisbus.DefaultPrefix + "key")
	_, err = mini.Lpush(redisbus.DefaultPrefix+"key", "a list")
	require.NoError(t, err)
	_, err = s.Load(t.Context(), "key")
	require.ErrorContains(t, err, "redisbus: GET: WRONGTYPE")
	_, err = s.Swap(t.Context(), "key", nil, []byte("v"), time.Minute)
	require.ErrorContains(t, err, "WRONGTYPE")
}

// deaf loses one answer: the connection breaks after the server has sent it.
type deaf struct {
	net.Conn
	lose *atomic.Bool
}

func (d deaf) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if d.lose.CompareAndSwap(true, false) {
		_ = d.Close()
		return 0, io.EOF
	}
	return n, err
}

// TestStoreLosesTheAnswer has go-redis send a swap again that has happened.
func TestStoreLosesTheAnswer(t *testing.T) {
	server := server(t)
	var lose atomic.Bool
	c := ends(t, redis.NewClient(&redis.Options{Addr: server.Addr(), Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return deaf{conn, &lose}, err
	}}))
	s := store(t, c)
	swapped, err := s.Swap(t.Context(), "key", nil, []byte("one"), time.Minute) // Redis knows the script now
	require.NoError(t, err)
	require.True(t, swapped)
	lose.Store(true)
	swapped, err = s.Swap(t.Context(), "key", []byte("one"), []byte("two"), time.Minute)
	require.NoError(t, err)
	assert.True(t, swapped)
	assert.False(t, lose.Load())
	swapped, err = s.Swap(t.Context(), "key", []byte("one"), []byte("two"), time.Minute)
	require.NoError(t, err)
	assert.False(t, swapped, "another one that wants the same was late")
}

// TestStoreForgetsScripts has what a restart of Redis does.
func TestStoreForgetsScripts(t *testing.T) {
	mini := miniredis.RunT(t)
	c := client(t, mini.Addr())
	s := store(t, c)
	for i, old := range [][]byte{nil, []byte("v"), []byte("v")} {
		swapped, err := s.Swap(t.Context(), "key", old, []byte("v"), time.Minute)
		require.NoError(t, err)
		require.True(t, swapped, i)
		require.NoError(t, c.ScriptFlush(t.Context()).Err())
	}
}

// TestStoreEndsWithContext has a Redis that does not answer.
func TestStoreEndsWithContext(t *testing.T) {
	server := server(t)
	s := store(t, client(t, server.Addr()))
	_, err := s.Load(t.Context(), "key")
	require.NoError(t, err)
	server.Pause()
	defer server.Resume()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = s.Load(ctx, "key")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = s.Swap(ctx, "key", nil, []byte("v"), time.Minute)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, time.Since(start), 2*time.Second, "go-redis reads on for 3 seconds")
}
