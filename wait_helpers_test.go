package postpress

import (
	"context"
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
)

const (
	waitID  = "acc_01HXYZ4QK3WJ8FN3M6QH7TZ8GR"
	waitKey = "pp_test_0a1b2c3d4e5f6789"
)

// answer is what the API does with one request.
type answer func(r *http.Request) (*http.Response, error)

// waitAPI is the API as a wait sees it, in memory. It notes every request.
type waitAPI struct {
	t      testing.TB
	client *Client
	began  time.Time

	look func(r *http.Request, id string, n int) (*http.Response, error) // n-th look at the account, from 0
	list answer

	mu    sync.Mutex
	looks map[string][]time.Duration // since the beginning, by account
	all   []time.Duration            // looks and pages, as they were sent
	pages []time.Duration
	open  int
	most  int // looks in flight
}

func newWaitAPI(t testing.TB, opts ...Option) *waitAPI {
	api := &waitAPI{t: t, began: time.Now(), looks: map[string][]time.Duration{}, list: problem(404, "")}
	opts = append([]Option{WithHTTPClient(&http.Client{Transport: api})}, opts...)
	client, err := New(waitKey, opts...)
	require.NoError(t, err)
	api.client = client
	return api
}

// RoundTrip implements http.RoundTripper.
func (api *waitAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	_, id, one := strings.Cut(r.URL.Path, "/accounts/")
	api.mu.Lock()
	at := time.Since(api.began)
	n := len(api.looks[id])
	api.all = append(api.all, at)
	if one {
		api.looks[id] = append(api.looks[id], at)
		api.open++
		api.most = max(api.most, api.open)
	} else {
		api.pages = append(api.pages, at)
	}
	api.mu.Unlock()
	if !one {
		return api.list(r)
	}
	defer func() {
		api.mu.Lock()
		api.open--
		api.mu.Unlock()
	}()
	return api.look(r, id, n)
}

// answers makes the API answer each look at an account in turn; the last one is repeated.
func (api *waitAPI) answers(answers ...answer) *waitAPI {
	api.look = func(r *http.Request, _ string, n int) (*http.Response, error) {
		return answers[min(n, len(answers)-1)](r)
	}
	return api
}

func (api *waitAPI) times(id string) []time.Duration {
	api.mu.Lock()
	defer api.mu.Unlock()
	return append([]time.Duration(nil), api.looks[id]...)
}

// sent counts the requests so far.
func (api *waitAPI) sent() int {
	api.mu.Lock()
	defer api.mu.Unlock()
	return len(api.all)
}

func (api *waitAPI) pagesRead() int {
	api.mu.Lock()
	defer api.mu.Unlock()
	return len(api.pages)
}

// now is the virtual time since the beginning.
func (api *waitAPI) now() time.Duration { return time.Since(api.began) }

// waited is how one wait ended, and when.
type waited struct {
	account *Account
	err     error
	at      time.Duration
}

// wait starts a wait of its own goroutine.
func (api *waitAPI) wait(ctx context.Context, id string, opts ...WaitOption) <-chan waited {
	done := make(chan waited, 1)
	go func() {
		a, err := api.client.WaitForConnection(ctx, id, opts...)
		done <- waited{a, err, api.now()}
	}()
	return done
}

// assertIdle asserts that nothing is left of any wait. That no goroutine is
// left is asserted by synctest at the end of each bubble.
func (api *waitAPI) assertIdle() {
	api.t.Helper()
	synctest.Wait()
	ws := api.client.watchers
	assert.Zero(api.t, ws.count(), "accounts still waited for")
	for name, room := range map[string]chan struct{}{
		"queue": ws.queue, "slots": ws.slots, "pace": ws.pace.turn, "sweep": ws.sweep.turn,
	} {
		assert.Empty(api.t, room, "still taken: %s", name)
	}
	assert.Zero(api.t, api.open, "requests still open")
}

// virtual runs f in a bubble with a clock of its own.
func virtual(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

func respond(r *http.Request, code int, body string) *http.Response {
	return &http.Response{
		StatusCode: code, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: r,
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
}

func body(code int, text string) answer {
	return func(r *http.Request) (*http.Response, error) { return respond(r, code, text), nil }
}

func accountJSON(id string, status Status) string {
	return fmt.Sprintf(`{"object":"Account","type":"WHATSAPP","id":%q,"name":"33612345678","sources":[{"id":"s","status":%q}]}`, id, status)
}

func is(status Status) answer { return body(200, accountJSON(waitID, status)) }

// problem is an error of the API; the kind lacks its prefix errors/.
func problem(code int, kind string) answer {
	return body(code, fmt.Sprintf(`{"status":%d,"type":"errors/%s","title":"T"}`, code, kind))
}

func headed(a answer, key, value string) answer {
	return func(r *http.Request) (*http.Response, error) {
		resp, err := a(r)
		resp.Header.Set(key, value)
		return resp, err
	}
}

func fails(err error) answer {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// held is an answer that comes after d, unless the client gives up.
func held(d time.Duration, a answer) answer {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return a(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// assertGaps asserts that consecutive times are at least min and at most max apart.
func assertGaps(t *testing.T, times []time.Duration, min, max time.Duration) {
	t.Helper()
	for i := 1; i < len(times); i++ {
		if gap := times[i] - times[i-1]; gap < min || gap > max {
			assert.Fail(t, "wrong gap", "gap %d is %v, not within %v and %v", i, gap, min, max)
		}
	}
}

// assertBudget asserts that no window has more requests than the rate allows, and a burst of one second.
func assertBudget(t *testing.T, times []time.Duration, rate int) {
	t.Helper()
	for _, window := range []time.Duration{0, 100 * time.Millisecond, time.Second, 5 * time.Second, time.Minute} {
		allowed := rate + int(window.Seconds()*float64(rate))
		for i := range max(0, len(times)-allowed) {
			if times[i+allowed]-times[i] <= window {
				t.Fatalf("more than %d requests within %v from %v on", allowed, window, times[i])
			}
		}
	}
}
