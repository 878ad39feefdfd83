package postpresstest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/postpresstest"
)

func TestFaultAnswers(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(...postpresstest.Option) *api) {
		a := start()
		a.srv.Inject(postpresstest.Fault{Path: "/accounts", Status: 429, Header: http.Header{"retry-after": {"7"}}})
		r := a.do("GET", "/accounts", "")
		assert.Equal(t, "too_many_requests", r.kind(t))
		assert.Equal(t, "7", r.header.Get("Retry-After"))
		assert.Equal(t, http.StatusOK, a.do("GET", "/accounts", "").status, "once")

		a.srv.Inject(postpresstest.Fault{Status: 500, Type: "authentication_intent_error"})
		assert.Equal(t, "authentication_intent_error", a.do("POST", "/accounts", whatsApp).kind(t))
		assert.Empty(t, a.srv.Accounts(), "not carried out")

		a.srv.Inject(postpresstest.Fault{Status: 202, Body: `{"object":"Checkpoint","checkpoint":{"type":"PASSKEY"}}`})
		r = a.do("POST", "/accounts", whatsApp)
		assert.Equal(t, http.StatusAccepted, r.status)
		assert.Equal(t, "application/json; charset=utf-8", r.header.Get("Content-Type"))

		a.srv.Inject(postpresstest.Fault{Kind: postpresstest.FaultHTML})
		r, err := a.try("GET", "/accounts", "")
		require.NoError(t, err)
		assert.Equal(t, http.StatusBadGateway, r.status)
		assert.Equal(t, "text/html", r.header.Get("Content-Type"))
		assert.Contains(t, r.body, "<h1>502 Bad Gateway</h1>")

		a.srv.Inject(postpresstest.Fault{Status: 204})
		assert.Empty(t, a.do("GET", "/accounts", "").body)
		assert.Equal(t, http.StatusOK, a.do("GET", "/accounts", "").status, "on the same connection")

		for status, kind := range map[int]string{
			400: "invalid_parameters", 401: "invalid_credentials", 403: "insufficient_permissions", 404: "resource_not_found",
			408: "request_timeout", 500: "unexpected_error", 503: "service_unavailable", 504: "request_timeout", 599: "status_599",
		} {
			a.srv.Inject(postpresstest.Fault{Status: status})
			r := a.do("GET", "/accounts", "")
			assert.Equal(t, status, r.status)
			assert.Contains(t, r.body, `"errors/`+kind+`"`)
		}
	})
}

func TestFaultsThatBreakTheAnswer(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(...postpresstest.Option) *api) {
		a := start()
		a.srv.Inject(postpresstest.Fault{Kind: postpresstest.FaultCut, After: 10})
		r, err := a.try("POST", "/accounts", whatsApp)
		require.NoError(t, err)
		require.ErrorIs(t, r.err, io.ErrUnexpectedEOF)
		assert.Equal(t, http.StatusAccepted, r.status)
		assert.Equal(t, `{"object":`, r.body)
		assert.Len(t, a.srv.Accounts(), 1, "carried out")

		a.srv.Inject(postpresstest.Fault{Kind: postpresstest.FaultCut, Status: 503})
		r, err = a.try("GET", "/accounts", "")
		require.NoError(t, err)
		require.ErrorIs(t, r.err, io.ErrUnexpectedEOF)
		assert.Equal(t, 503, r.status)
		assert.Empty(t, r.body)

		a.srv.Inject(postpresstest.Fault{Kind: postpresstest.FaultStall, After: 10})
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := a.client.Do(a.request("POST", "/accounts", whatsApp).WithContext(ctx))
		require.NoError(t, err)
		begun := make([]byte, 10)
		_, err = io.ReadFull(resp.Body, begun)
		require.NoError(t, err)
		cancel()
		_, err = resp.Body.Read(begun)
		require.ErrorIs(t, err, context.Canceled)
		_ = resp.Body.Close()
		assert.Len(t, a.srv.Accounts(), 2, "carried out")
	})
}

func TestFaultsThatResetTheConnection(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(...postpresstest.Option) *api) {
		a := start()
		a.srv.Inject(postpresstest.Fault{Kind: postpresstest.FaultReset})
		_, err := a.try("POST", "/accounts", whatsApp, "Idempotency-Key", "k")
		require.ErrorIs(t, err, syscall.ECONNRESET)
		assert.Empty(t, a.srv.Accounts(), "not carried out")
		assert.Equal(t, 0, a.srv.Requests()[0].Status)
		assert.True(t, a.srv.Requests()[0].Faulted)

		a.srv.Inject(postpresstest.Fault{Kind: postpresstest.FaultLostAnswer})
		_, err = a.try("POST", "/accounts", whatsApp, "Idempotency-Key", "k")
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.Len(t, a.srv.Accounts(), 1, "carried out")
		assert.Equal(t, http.StatusAccepted, a.srv.Requests()[1].Status)

		r := a.do("POST", "/accounts", whatsApp, "Idempotency-Key", "k")
		id, _ := checkpointOf(t, r)
		assert.Equal(t, a.srv.Accounts()[0].ID, id, "the lost answer comes after all")
		assert.Len(t, a.srv.Accounts(), 1)
	})
}

func TestFaultChoosesItsRequests(t *testing.T) {
	a := newAPI(t)
	id := a.srv.AddAccount(postpresstest.Account{}).ID
	statuses := func(method, path string, n int) (all []int) {
		for range n {
			all = append(all, a.do(method, path, "").status)
		}
		return all
	}
	a.srv.Inject(postpresstest.Fault{Method: "GET", Path: "/accounts/{id}", Nth: 2, Times: 2, Status: 503})
	assert.Equal(t, []int{405}, statuses("PUT", "/accounts/"+id, 1))
	assert.Equal(t, []int{200}, statuses("GET", "/accounts", 1))
	assert.Equal(t, []int{200, 503, 503, 200}, statuses("GET", "/accounts/"+id, 4))

	a.srv.Inject(postpresstest.Fault{Path: "/accounts", Status: 500})
	a.srv.Inject(postpresstest.Fault{Path: "/accounts", Status: 502})
	a.srv.Inject(postpresstest.Fault{Path: "/accounts", Status: 504, Nth: 4})
	assert.Equal(t, []int{500, 502, 200, 504, 200}, statuses("GET", "/accounts", 5), "each waits for its turn")

	a.srv.Inject(postpresstest.Fault{Path: "/accounts/", Status: 503, Times: postpresstest.Always})
	assert.Equal(t, []int{503, 503}, statuses("GET", "/accounts/"+id, 2))
	assert.Equal(t, []int{503}, statuses("GET", "/accounts/"+id+"/sync", 1))
	assert.Equal(t, []int{200}, statuses("GET", "/accounts", 1))
	a.srv.ClearFaults()
	assert.Equal(t, []int{200}, statuses("GET", "/accounts/"+id, 1))
}

func TestLatency(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t)
		began := time.Now()
		a.srv.Inject(postpresstest.Fault{Latency: time.Hour})
		a.connect(whatsApp)
		assert.Equal(t, time.Hour, time.Since(began))

		a.srv.Inject(postpresstest.Fault{Latency: time.Hour})
		a.client.Timeout = time.Minute
		_, err := a.try("POST", "/accounts", whatsApp)
		require.Error(t, err)
		assert.Equal(t, time.Hour+time.Minute, time.Since(began))
		time.Sleep(2 * time.Hour)
		assert.Len(t, a.srv.Accounts(), 0, "the first has run out, the second was given up")
		assert.Len(t, a.srv.Requests(), 2)
	})
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	srv := postpresstest.NewServer()
	defer srv.Close()
	for _, f := range []postpresstest.Fault{
		{Kind: -1}, {Kind: postpresstest.FaultLostAnswer + 1}, {Path: "accounts"}, {After: -1}, {Status: 99}, {Status: 101}, {Status: 600},
	} {
		assert.Panics(t, func() { srv.Inject(f) }, f)
	}
}

// A recorder cannot be hijacked, like a stream of HTTP/2.
func TestFaultsWhereNothingCanBeHijacked(t *testing.T) {
	a := newAPI(t)
	a.srv.Inject(postpresstest.Fault{Kind: postpresstest.FaultReset})
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
		a.srv.Handler().ServeHTTP(deafWriter{}, a.request("GET", "/accounts", ""))
	})
}

type deafWriter struct{}

func (deafWriter) Header() http.Header         { return http.Header{} }
func (deafWriter) Write(p []byte) (int, error) { return 0, errors.New("deaf") }
func (deafWriter) WriteHeader(int)             {}
