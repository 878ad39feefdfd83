package postpress_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// desk is where an account is linked: the double, a client, and a clock of their own.
type desk struct {
	t      testing.TB
	srv    *postpresstest.Server
	client *postpress.Client
	began  time.Time
	once   bool // for tests in which something happens once
}

func newDesk(t testing.TB, opts ...postpresstest.Option) *desk {
	srv := postpresstest.NewServer(opts...)
	return &desk{t: t, srv: srv, client: srv.Client(), began: time.Now()}
}

// atDesk runs a test in a bubble, which asserts that no goroutine is left.
func atDesk(t *testing.T, test func(d *desk), opts ...postpresstest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, opts...)
		test(d)
		d.close()
	})
}

func (d *desk) close() {
	synctest.Wait()
	d.client.Close()
	d.srv.Close()
}

func (d *desk) now() time.Duration { return time.Since(d.began) }

// until sleeps until that long after the beginning.
func (d *desk) until(at time.Duration) {
	time.Sleep(at - d.now())
	synctest.Wait()
}

func (d *desk) start(req postpress.LinkRequest, opts ...postpress.LinkOption) *postpress.Link {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel() // the attempt outlives it
	link, err := d.client.LinkWhatsApp(ctx, req, opts...)
	require.NoError(d.t, err)
	return link
}

// seen is one element of Steps, and when it came.
type seen struct {
	at   time.Duration
	step postpress.LinkStep
	err  error
}

// viewer sees the steps of a link.
type viewer struct {
	mu   sync.Mutex
	all  []seen
	done chan struct{}
}

func (d *desk) view(link *postpress.Link) *viewer {
	v := &viewer{done: make(chan struct{})}
	go func() {
		defer close(v.done)
		for step, err := range link.Steps(context.Background()) {
			v.mu.Lock()
			v.all = append(v.all, seen{d.now(), step, err})
			v.mu.Unlock()
		}
	}()
	return v
}

// states is what was seen, as "0s show, 1m0s expired, …", without what was
// replaced at the same instant: a viewer may or may not see that.
func (v *viewer) states() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []string
	for i, s := range v.all {
		if i+1 < len(v.all) && v.all[i+1].at == s.at {
			continue
		}
		state := string(s.step.State)
		if s.err != nil {
			state = "error"
		}
		all = append(all, fmt.Sprintf("%v %s", s.at.Round(time.Second), state))
	}
	return strings.Join(all, ", ")
}

func (v *viewer) last() seen {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.all[len(v.all)-1]
}

// end is the outcome.
func (d *desk) end(link *postpress.Link) (*postpress.Account, error) {
	a, err := link.Wait(context.Background())
	synctest.Wait()
	return a, err
}

// failed is the outcome of an attempt that failed.
func (d *desk) failed(link *postpress.Link, target error) *postpress.LinkError {
	d.t.Helper()
	_, err := d.end(link)
	require.ErrorIs(d.t, err, target)
	var le *postpress.LinkError
	require.ErrorAs(d.t, err, &le)
	return le
}

// sent counts the requests of one method; a path that ends in a slash stands for all below.
func (d *desk) sent(method, path string) (n int) {
	for _, r := range d.srv.Requests() {
		if r.Method == method && (r.Path == path || strings.HasSuffix(path, "/") && strings.HasPrefix(r.Path, path)) {
			n++
		}
	}
	return n
}

func (d *desk) posts() int { return d.sent("POST", "/accounts") + d.sent("POST", "/accounts/") }

// accounts are the ids of the accounts there are.
func (d *desk) accounts() []string {
	ids := []string{}
	for _, a := range d.srv.Accounts() {
		ids = append(ids, a.ID)
	}
	return ids
}

// tripper is an http.RoundTripper of one function.
type tripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// through makes the client of the desk one whose requests go through f.
func (d *desk) through(f func(r *http.Request, next http.RoundTripper) (*http.Response, error)) {
	next := d.srv.RoundTripper()
	d.client = d.srv.Client(postpress.WithHTTPClient(&http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
		return f(r, next)
	})}))
}

var errProxyCut = errors.New("the proxy has cut the connection")

// cutGets is a proxy that cuts every GET after d.
func cutGets(after time.Duration) func(*http.Request, http.RoundTripper) (*http.Response, error) {
	return func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if r.Method != http.MethodGet {
			return next.RoundTrip(r)
		}
		ctx, cancel := context.WithTimeoutCause(r.Context(), after, errProxyCut)
		defer cancel()
		resp, err := next.RoundTrip(r.WithContext(ctx))
		if err != nil && r.Context().Err() == nil && ctx.Err() != nil {
			return nil, errProxyCut
		}
		if err != nil {
			return nil, err
		}
		return buffered(resp)
	}
}

// buffered is an answer that is read already.
func buffered(resp *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, err
}

// jsonBody gives an answer another body.
func jsonBody(resp *http.Response, body string) *http.Response {
	_ = resp.Body.Close()
	resp.StatusCode, resp.ContentLength = 200, int64(len(body))
	resp.Body = io.NopCloser(strings.NewReader(body))
	return resp
}

func assertConnected(t testing.TB, a *postpress.Account, err error) {
	t.Helper()
	require.NoError(t, err)
	assert.True(t, a.Connected())
}
