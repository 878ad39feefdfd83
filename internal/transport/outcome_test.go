package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTrapErrorBodyLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, status := range []int{400, 404, 429, 500, 502, 503, 504} {
			_, client := play(answers(status, `{"title":"why"}`, "X-Request-Id", "req_1"))
			resp, err := newTransport(t, "http://api.test", client).Do(t.Context(), get())
			require.NoError(t, err)
			assert.Equal(t, status, resp.StatusCode)
			assert.JSONEq(t, `{"title":"why"}`, string(resp.Body))
			assert.Equal(t, "req_1", resp.Header.Get("X-Request-Id"))
		}
	})
}

func TestAnswerBeforeALostConnectionIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := play(answers(503, `{"title":"why"}`), fails(errReset))
		_, err := newTransport(t, "http://api.test", client).Do(t.Context(), get())
		f := failure(t, err)
		assert.Equal(t, Lost, f.Kind)
		assert.ErrorIs(t, err, errReset)
		assert.Equal(t, errReset.Error(), err.Error())
		assert.False(t, f.Unsure, "a GET changes nothing")
		require.NotNil(t, f.Last)
		assert.Equal(t, 503, f.Last.StatusCode)
		assert.Equal(t, 3, f.Last.Attempts)
	})
}

func TestTrapURLWithQueryInError(t *testing.T) {
	nested := &url.Error{Op: "Get", URL: "http://api.test/?cursor=hidden", Err: fmt.Errorf("oauth: %w",
		&url.Error{Op: "Post", URL: "http://auth.test/?client_secret=hidden", Err: errReset})}
	for _, cause := range []error{errDial, errReset, nested} {
		synctest.Test(t, func(t *testing.T) {
			_, client := play(fails(cause))
			req := get()
			req.Query = "cursor=hidden"
			_, err := newTransport(t, "http://api.test/v1?port=13443", client).Do(t.Context(), req)
			require.Error(t, err)
			for _, secret := range []string{"hidden", "13443", "acc_1", testKey, "giving up"} {
				assert.NotContains(t, err.Error(), secret)
				assert.NotContains(t, fmt.Sprintf("%v %+v", err, err), secret)
			}
			var ue *url.Error
			assert.False(t, errors.As(err, &ue), "whoever unwraps the error finds the URL")
		})
	}
}

func TestTrapLogsToStderr(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	stderr := os.Stderr
	os.Stderr = w
	synctest.Test(t, func(t *testing.T) {
		_, client := play(answers(503, ""), fails(errReset))
		_, _ = newTransport(t, "http://api.test", client).Do(t.Context(), get())
	})
	os.Stderr = stderr
	require.NoError(t, w.Close())
	written, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Empty(t, string(written))
}

func TestDeleteGoneOnTheSecondAttemptIsSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		del := &Request{Method: http.MethodDelete, Path: "/accounts/acc_1", Template: "/accounts/{id}"}
		gone := answers(404, `{"type":"errors/resource_not_found"}`, "X-Request-Id", "req_2")
		for _, first := range []step{fails(errReset), answers(502, ""), answers(503, "")} {
			_, client := play(first, gone)
			tr := newTransport(t, "http://api.test", client)
			resp, err := tr.Do(t.Context(), del)
			require.NoError(t, err)
			assert.Equal(t, http.StatusNoContent, resp.StatusCode)
			assert.Empty(t, resp.Body)
			assert.False(t, resp.Unsure)
			assert.Equal(t, "req_2", resp.Header.Get("X-Request-Id"))
			assert.EqualValues(t, budgetSize, tr.budget.left.Load(), "a retry that succeeded is refunded")
		}
		_, client := play(gone)
		resp, err := newTransport(t, "http://api.test", client).Do(t.Context(), del)
		require.NoError(t, err)
		assert.Equal(t, 404, resp.StatusCode, "on the first attempt it was never there")

		_, client = play(answers(503, ""), answers(404, ""))
		resp, err = newTransport(t, "http://api.test", client).Do(t.Context(), get())
		require.NoError(t, err)
		assert.Equal(t, 404, resp.StatusCode, "only what was deleted may be gone")
	})
}

// Whether the first attempt was carried out does not depend on what happened to the third.
func TestDoubtOutlivesTheAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		steps  []step
		unsure bool
	}{
		"lost, then no connection": {[]step{fails(errReset), fails(errDial)}, true},
		"lost, then rate limited":  {[]step{fails(errReset), answers(429, "")}, true},
		"502, then in progress":    {[]step{answers(502, ""), answers(425, "")}, true},
		"502, then no connection":  {[]step{answers(502, ""), fails(errDial)}, true},
		"lost, then success":       {[]step{fails(errReset), answers(201, "{}")}, false},
		"never connected":          {[]step{fails(errDial)}, false},
		"rate limited":             {[]step{answers(429, "")}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, client := play(c.steps...)
			resp, err := newTransport(t, "http://api.test", client).Do(t.Context(), post("key"))
			if err != nil {
				f := failure(t, err)
				assert.Equal(t, c.unsure, f.Unsure, name)
				if f.Last != nil {
					assert.Equal(t, c.unsure, f.Last.Unsure, name)
				}
				return
			}
			assert.Equal(t, c.unsure, resp.Unsure, name)
		})
	}
}

func TestContextThatHasEndedSendsNothing(t *testing.T) {
	reason := errors.New("not today")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	s, client := play(answers(200, ""))
	_, err := newTransport(t, "http://api.test", client).Do(ctx, post("key"))
	f := failure(t, err)
	assert.Equal(t, Ended, f.Kind)
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, err, reason)
	assert.False(t, f.Unsure)
	assert.Zero(t, f.Attempts)
	assert.Empty(t, s.at)
}

// net/http reports the cause of a cancelled context, and that alone.
func TestContextEndDuringAnAttemptMatchesContextAndCause(t *testing.T) {
	reason := errors.New("shutting down")
	for _, said := range []error{reason, context.Canceled, errReset, errDial} {
		ctx, cancel := context.WithCancelCause(t.Context())
		s, client := play(func(*http.Request) (*http.Response, error) {
			cancel(reason)
			return nil, said
		})
		_, err := newTransport(t, "http://api.test", client).Do(ctx, post("key"))
		f := failure(t, err)
		assert.Equal(t, Ended, f.Kind)
		assert.ErrorIs(t, err, context.Canceled)
		assert.ErrorIs(t, err, reason)
		assert.ErrorIs(t, err, said)
		assert.Equal(t, said != errDial, f.Unsure, "%v", said)
		assert.Len(t, s.at, 1)
	}
}

func TestRetryDoesNotRepeatCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		s, client := play(answers(503, "", "Set-Cookie", "lb=a"), answers(503, "", "Set-Cookie", "lb=b"), answers(200, "{}"))
		client.Jar = jar
		req := get()
		req.Header = http.Header{"Traceparent": {"00-1"}}
		_, err = newTransport(t, "http://api.test", client).Do(t.Context(), req)
		require.NoError(t, err)
		for i, want := range []string{"", "lb=a", "lb=b"} {
			assert.Equal(t, want, s.seen[i].Header.Get("Cookie"))
			assert.Equal(t, "00-1", s.seen[i].Header.Get("Traceparent"))
			assert.Equal(t, testKey, s.seen[i].Header.Get("X-Api-Key"))
		}
	})
}

func TestURLOfARequest(t *testing.T) {
	for _, c := range []struct{ base, path, query, want string }{
		{"http://api.test", "/accounts", "", "http://api.test/accounts"},
		{"http://api.test/", "/accounts", "limit=2", "http://api.test/accounts?limit=2"},
		{"http://api.test/api/v1/", "/accounts/a%2Fb", "", "http://api.test/api/v1/accounts/a%2Fb"},
		{"http://api.test/a%2Fb", "/x", "", "http://api.test/a%2Fb/x"},
		{"http://api.test/v1?port=13443", "/accounts", "", "http://api.test/v1/accounts?port=13443"},
		{"http://api.test/v1?port=13443", "/accounts", "limit=2", "http://api.test/v1/accounts?port=13443&limit=2"},
	} {
		s, client := play(answers(200, "{}"))
		_, err := newTransport(t, c.base, client).Do(t.Context(), &Request{Method: "GET", Path: c.path, Query: c.query})
		require.NoError(t, err)
		assert.Equal(t, c.want, s.seen[0].URL.String())
	}
	_, client := play(answers(200, "{}"))
	_, err := newTransport(t, "http://api.test", client).Do(t.Context(), &Request{Method: "GET", Path: "/%zz"})
	assert.Equal(t, Refused, failure(t, err).Kind)
}
