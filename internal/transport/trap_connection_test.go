package transport

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The traps of net/http and go-retryablehttp that only show on real connections.

func TestTrapRedirectCarriesKey(t *testing.T) {
	var followed atomic.Int64
	thief, _ := serve(t, func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, thief+"/steal", status)
		})
		for _, req := range []*Request{get(), post("key")} {
			tr := newTransport(t, base, nil)
			resp, err := tr.Do(t.Context(), req)
			require.NoError(t, err)
			assert.Equal(t, status, resp.StatusCode)
			assert.Equal(t, thief+"/steal", resp.Header.Get("Location"))
			assert.Equal(t, 1, resp.Attempts)
			tr.CloseIdle()
		}
	}
	assert.Zero(t, followed.Load(), "the key went to another host")
}

func TestTrapUnreadableRedirectHidesTheAnswer(t *testing.T) {
	const bad = "http://[::1/?token=secret"
	shared := http.Header{"Location": {bad}}
	s, client := play(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 302, Header: shared, Request: r}, nil
	})
	resp, err := newTransport(t, "http://api.test", client).Do(t.Context(), get())
	require.NoError(t, err)
	assert.Equal(t, 302, resp.StatusCode)
	assert.Len(t, s.at, 1)
	assert.Equal(t, bad, shared.Get("Location"), "a header that may be shared was changed")
}

func TestTrapBodyCutAfterHeadersIsRetried(t *testing.T) {
	for _, framing := range []string{"Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":"} {
		var calls atomic.Int64
		base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if calls.Add(1) > 1 {
				_, _ = w.Write([]byte(`{"id":"acc_1"}`))
				return
			}
			conn, buf, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			_, _ = buf.WriteString("HTTP/1.1 200 OK\r\n" + framing)
			_ = buf.Flush()
			_ = conn.Close()
		})
		tr := newTransport(t, base, nil, instant)
		resp, err := tr.Do(t.Context(), get())
		require.NoError(t, err)
		assert.JSONEq(t, `{"id":"acc_1"}`, string(resp.Body))
		assert.Equal(t, 2, resp.Attempts)
		tr.CloseIdle()
	}
}

// The trap drains no more than 4 KiB of an answer, and an answer read in part loses its connection.
func TestTrapBodiesOver4KiBKeepTheConnection(t *testing.T) {
	var calls atomic.Int64
	base, connections := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1)%3 != 0 {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = w.Write(make([]byte, 200<<10))
	})
	tr := newTransport(t, base, nil, instant)
	defer tr.CloseIdle()
	for range 3 {
		resp, err := tr.Do(t.Context(), get())
		require.NoError(t, err)
		assert.Equal(t, 3, resp.Attempts)
		assert.Len(t, resp.Body, 200<<10)
	}
	assert.EqualValues(t, 1, connections.Load())
}

func TestTrapPoolKeepsWarmConnections(t *testing.T) {
	const callers = 64
	var g atomic.Pointer[gather]
	base, connections := serve(t, func(http.ResponseWriter, *http.Request) { g.Load().wait() })
	for name, client := range map[string]*http.Client{"default": nil, "client without a transport": {}} {
		connections.Store(0)
		tr := newTransport(t, base, client)
		for range 3 {
			g.Store(newGather(callers))
			together(callers, func(int) {
				_, err := tr.Do(t.Context(), get())
				assert.NoError(t, err)
			})
		}
		assert.EqualValues(t, callers, connections.Load(), name)
		tr.CloseIdle()
	}
}

func TestTrapCloseIdleOnFailure(t *testing.T) {
	const warm = 8
	var g atomic.Pointer[gather]
	base, connections := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			panic(http.ErrAbortHandler) // the connection is lost
		}
		g.Load().wait()
	})
	tr := newTransport(t, base, nil)
	defer tr.CloseIdle()
	callAll := func(n int) {
		g.Store(newGather(n))
		together(n, func(int) {
			_, err := tr.Do(t.Context(), get())
			assert.NoError(t, err)
		})
	}
	callAll(warm)
	_, err := tr.Do(t.Context(), post(""))
	assert.Equal(t, Lost, failure(t, err).Kind)
	callAll(warm - 1)
	assert.EqualValues(t, warm, connections.Load(), "one failed call closed the connections of the others")
}

func TestTrapHeaderLimit(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Padding", strings.Repeat("x", 3<<20))
	})
	tr := newTransport(t, base, nil, instant)
	defer tr.CloseIdle()
	_, err := tr.Do(t.Context(), post("key"))
	f := failure(t, err)
	assert.Equal(t, TooLarge, f.Kind)
	assert.Equal(t, 1, f.Attempts, "it would be as large the next time")
	assert.True(t, f.Unsure)
}

// A connection that the server closed while it was idle costs no attempt and no delay.
func TestStaleConnectionIsReplaced(t *testing.T) {
	var mu sync.Mutex
	var conns []net.Conn
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	closed := make(chan struct{}, 1)
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
		case http.StateClosed:
			closed <- struct{}{}
		}
	}
	s.Start()
	defer s.Close()
	tr := newTransport(t, s.URL, nil)
	defer tr.CloseIdle()
	for range 2 {
		resp, err := tr.Do(t.Context(), post("key"))
		require.NoError(t, err)
		assert.Equal(t, 1, resp.Attempts)
		mu.Lock()
		_ = conns[len(conns)-1].Close()
		mu.Unlock()
		<-closed
	}
}

// The key and the body arrive whole on each attempt, also where the answer came before the body was read.
func TestRetrySendsTheSameRequest(t *testing.T) {
	var calls atomic.Int64
	large := post("one-key")
	large.Body = []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "one-key", r.Header.Get("Idempotency-Key"))
		assert.Equal(t, []string{testKey}, r.Header.Values("X-Api-Key"))
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		if calls.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body := make([]byte, 2<<20)
		n := 0
		for m, err := 0, error(nil); err == nil; n += m {
			m, err = r.Body.Read(body[n:])
		}
		assert.Equal(t, len(large.Body), n)
	})
	tr := newTransport(t, base, nil, instant, func(c *Config) { c.Timeout = time.Minute })
	defer tr.CloseIdle()
	resp, err := tr.Do(t.Context(), large)
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, 3, resp.Attempts)
}

// A RoundTripper should not change the request it is given, but some do.
func TestTrapRoundTripperThatChangesHeaders(t *testing.T) {
	var seen []string
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r.Header.Get("X-Trace"))
		r.Header.Set("X-Trace", "of the last request")
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	})}
	tr := newTransport(t, "http://localhost", client)
	for range 2 {
		_, err := tr.Do(t.Context(), &Request{Method: "GET", Path: "/x", Template: "/x"})
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"", ""}, seen)
}
