package transport

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func look() *Request {
	r := get()
	r.Wait, r.Timeout = true, 25*time.Second
	return r
}

func TestWaitIsOneAttemptAndCostsNothing(t *testing.T) {
	for name, outcome := range map[string]step{
		"200": answers(200, "{}"), "429": answers(429, ""), "503": answers(503, ""), "504": answers(504, ""),
		"no connection": fails(errDial), "lost": fails(errReset), "held": hangs, "cut": cutBody,
	} {
		synctest.Test(t, func(t *testing.T) {
			s, client := play(outcome)
			tr := newTransport(t, "http://api.test", client)
			tr.budget.left.Store(50)
			_, _ = tr.Do(t.Context(), look())
			assert.Len(t, s.at, 1, name)
			assert.EqualValues(t, 50, tr.budget.left.Load(), name)
		})
	}
}

func TestWaitHasItsOwnTimeout(t *testing.T) {
	for _, configured := range []time.Duration{0, time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			_, client := play(hangs)
			tr := newTransport(t, "http://api.test", client, func(c *Config) { c.Timeout = configured })
			began := time.Now()
			_, err := tr.Do(t.Context(), look())
			assert.Equal(t, TimedOut, failure(t, err).Kind)
			assert.False(t, failure(t, err).Unsure)
			assert.Equal(t, 25*time.Second, time.Since(began))
		})
	}
}

func TestWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := play(hangs)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		_, err := newTransport(t, "http://api.test", client).Do(ctx, look())
		assert.Equal(t, Ended, failure(t, err).Kind)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, time.Since(began))
	})
}

// With two connections per host and ten requests that the server holds, an
// ordinary call still gets one.
func TestWaitsDoNotStarveCalls(t *testing.T) {
	held := make(chan struct{}, 10)
	release := make(chan struct{})
	base, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Hold") != "" {
			held <- struct{}{}
			<-release
		}
	})
	pool := &http.Transport{MaxConnsPerHost: 2}
	defer pool.CloseIdleConnections()
	tr := newTransport(t, base, &http.Client{Transport: pool})
	defer tr.CloseIdle()

	done := make(chan struct{})
	go func() {
		defer close(done)
		together(10, func(int) {
			r := look()
			r.Header = http.Header{"X-Hold": {"1"}}
			_, err := tr.Do(t.Context(), r)
			assert.NoError(t, err)
		})
	}()
	<-held
	<-held // both connections of the lane are taken now
	for range 3 {
		resp, err := tr.Do(t.Context(), get())
		require.NoError(t, err)
		assert.Equal(t, 200, resp.StatusCode)
	}
	close(release)
	<-done
}

// own is a RoundTripper of the user's that is no *http.Transport.
type own struct{ http.RoundTripper }

func TestPools(t *testing.T) {
	u := "http://api.test"
	pool := &http.Transport{MaxConnsPerHost: 7}
	tr := newTransport(t, u, &http.Client{Transport: pool})
	assert.Same(t, pool, tr.calls, "the user's transport is used, not a copy")
	assert.NotSame(t, pool, tr.waits)
	assert.Equal(t, 7, tr.waits.(*http.Transport).MaxConnsPerHost, "its clone keeps its settings")
	assert.Equal(t, []*http.Transport{tr.waits.(*http.Transport)}, tr.owned, "the user's own is not ours to close")

	custom := own{pool}
	tr = newTransport(t, u, &http.Client{Transport: custom})
	assert.Equal(t, custom, tr.calls)
	assert.Equal(t, custom, tr.waits)
	assert.Empty(t, tr.owned)

	for _, client := range []*http.Client{nil, {}} {
		tr = newTransport(t, u, client)
		assert.NotSame(t, http.DefaultTransport, tr.calls)
		assert.NotSame(t, tr.calls, tr.waits)
		assert.Len(t, tr.owned, 2)
	}

	// A program that has replaced http.DefaultTransport means everyone's.
	before := http.DefaultTransport
	http.DefaultTransport = custom
	defer func() { http.DefaultTransport = before }()
	for _, client := range []*http.Client{nil, {}} {
		tr = newTransport(t, u, client)
		assert.Equal(t, custom, tr.calls)
		assert.Equal(t, custom, tr.waits)
		assert.Empty(t, tr.owned)
	}
}

func TestCloseIdleClosesBothLanes(t *testing.T) {
	base, connections := serve(t, func(http.ResponseWriter, *http.Request) {})
	tr := newTransport(t, base, nil)
	defer tr.CloseIdle()
	for range 2 {
		for _, r := range []*Request{get(), look(), get(), look()} {
			_, err := tr.Do(t.Context(), r)
			require.NoError(t, err)
		}
		tr.CloseIdle()
	}
	assert.EqualValues(t, 4, connections.Load(), "two lanes, opened twice")
}
