package transport

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	testKey   = "pp_test_do_not_print"
	testLimit = 1 << 20
)

var testPolicy = Policy{
	MaxAttempts: 3, BaseDelay: 200 * time.Millisecond, MaxDelay: 5 * time.Second, MaxRetryAfter: 30 * time.Second,
}

// newTransport makes a Transport for the address, with the defaults of the
// root package unless changed.
func newTransport(t *testing.T, base string, client *http.Client, change ...func(*Config)) *Transport {
	t.Helper()
	u, err := url.Parse(base)
	require.NoError(t, err)
	cfg := Config{
		Base: u, APIKey: testKey, UserAgent: "test", HTTPClient: client,
		Timeout: 30 * time.Second, MaxBodyBytes: testLimit, Retry: testPolicy,
	}
	for _, c := range change {
		c(&cfg)
	}
	return New(cfg)
}

// instant makes retries follow at once, for tests on a real listener.
func instant(c *Config) { c.Retry.BaseDelay, c.Retry.MaxDelay = 1, 1 }

// script is a RoundTripper that plays its steps one after the other, the last
// one for ever, and remembers when each attempt came.
type script struct {
	steps []step

	mu   sync.Mutex
	at   []time.Time
	seen []*http.Request
}

type step func(*http.Request) (*http.Response, error)

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	n := len(s.at)
	s.at, s.seen = append(s.at, time.Now()), append(s.seen, r)
	s.mu.Unlock()
	return s.steps[min(n, len(s.steps)-1)](r)
}

// gaps are the delays between the attempts.
func (s *script) gaps() []time.Duration {
	var d []time.Duration
	for i := 1; i < len(s.at); i++ {
		d = append(d, s.at[i].Sub(s.at[i-1]))
	}
	return d
}

func play(steps ...step) (*script, *http.Client) {
	s := &script{steps: steps}
	return s, &http.Client{Transport: s}
}

// answers gives a status, a body, and headers as name, value, ….
func answers(status int, body string, header ...string) step {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i+1 < len(header); i += 2 {
			h.Add(header[i], header[i+1])
		}
		return &http.Response{
			StatusCode: status, Header: h, Request: r, ProtoMajor: 1, ProtoMinor: 1,
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}, nil
	}
}

func fails(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// hangs until the attempt's context ends.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

var (
	errDial  = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errReset = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
)

func get() *Request {
	return &Request{Method: http.MethodGet, Path: "/accounts/acc_1", Template: "/accounts/{id}"}
}

func post(key string) *Request {
	return &Request{
		Method: http.MethodPost, Path: "/accounts", Template: "/accounts",
		Body: []byte(`{"provider":"WHATSAPP"}`), IdempotencyKey: key,
	}
}

func failure(t *testing.T, err error) *Failure {
	t.Helper()
	var f *Failure
	require.ErrorAs(t, err, &f)
	return f
}

// serve starts a server on a real listener that counts its connections.
func serve(t *testing.T, h http.HandlerFunc) (base string, connections *atomic.Int64) {
	t.Helper()
	connections = new(atomic.Int64)
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, connections
}

// servePipe runs f in a bubble with an HTTP client whose connections are pipes to the handler.
func servePipe(t *testing.T, h http.HandlerFunc, f func(t *testing.T, client *http.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
		server := &http.Server{Handler: h}
		go func() { _ = server.Serve(l) }()
		pool := &http.Transport{DialContext: l.dial}
		f(t, &http.Client{Transport: pool})
		pool.CloseIdleConnections()
		_ = server.Close()
		time.Sleep(time.Second)
		synctest.Wait()
	})
}

type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
		return nil, errDial
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// together runs f n times at once and waits for all.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// gather makes requests wait for each other, so that n of them hold n connections.
type gather struct{ arrived, all chan struct{} }

func newGather(n int) *gather {
	g := &gather{arrived: make(chan struct{}, n), all: make(chan struct{})}
	go func() {
		for range n {
			<-g.arrived
		}
		close(g.all)
	}()
	return g
}

func (g *gather) wait() { g.arrived <- struct{}{}; <-g.all }

// serveTLS starts a server whose certificate nobody knows.
func serveTLS(t *testing.T) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}
