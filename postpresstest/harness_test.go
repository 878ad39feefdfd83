package postpresstest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/postpresstest"
)

// api is a double and a plain HTTP client for it.
type api struct {
	t      *testing.T
	srv    *postpresstest.Server
	client *http.Client
	base   string
	header http.Header
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

func newAPI(t *testing.T, opts ...postpresstest.Option) *api {
	srv := postpresstest.NewServer(opts...)
	t.Cleanup(srv.Close)
	return &api{
		t: t, srv: srv, base: srv.URL + "/v1", header: http.Header{"X-Api-Key": {"pp_test_x"}},
		client: &http.Client{Transport: srv.RoundTripper()},
	}
}

// bothWays runs a test over the loopback socket and in memory.
func bothWays(t *testing.T, test func(t *testing.T, start func(...postpresstest.Option) *api)) {
	t.Run("memory", func(t *testing.T) {
		test(t, func(opts ...postpresstest.Option) *api { return newAPI(t, opts...) })
	})
	t.Run("loopback", func(t *testing.T) {
		test(t, func(opts ...postpresstest.Option) *api {
			a := newAPI(t, opts...)
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			a.client = &http.Client{Transport: transport}
			return a
		})
	})
}

// bubble runs a test with virtual time.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func (a *api) request(method, path, body string, header ...string) *http.Request {
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, strings.NewReader(body))
	require.NoError(a.t, err)
	req.Header = a.header.Clone()
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i+1] == "" {
			req.Header.Del(header[i])
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// try sends a request that may fail.
func (a *api) try(method, path, body string, header ...string) (reply, error) {
	resp, err := a.client.Do(a.request(method, path, body, header...))
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(text), err}, nil
}

// do sends a request that is answered.
func (a *api) do(method, path, body string, header ...string) reply {
	a.t.Helper()
	r, err := a.try(method, path, body, header...)
	require.NoError(a.t, err)
	require.NoError(a.t, r.err)
	assert.NotEmpty(a.t, r.header.Get("X-Request-Id"), "every answer has a request id")
	return r
}

// start begins to send a request and returns where its answer will be.
func (a *api) start(method, path, body string, header ...string) <-chan reply {
	done := make(chan reply, 1)
	go func() {
		r, err := a.try(method, path, body, header...)
		if err != nil {
			r.err = err
		}
		done <- r
	}()
	return done
}

// connect starts to link an account and returns its id and checkpoint.
func (a *api) connect(body string) (id string, checkpoint map[string]any) {
	a.t.Helper()
	return checkpointOf(a.t, a.do("POST", "/accounts", body))
}

func checkpointOf(t *testing.T, r reply) (id string, checkpoint map[string]any) {
	t.Helper()
	require.Equal(t, http.StatusAccepted, r.status, r.body)
	m := r.object(t)
	checkpoint, _ = m["checkpoint"].(map[string]any)
	return m["account_id"].(string), checkpoint
}

func (r reply) object(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(bytes.NewBufferString(r.body))
	require.NoError(t, d.Decode(&m), r.body)
	return m
}

// kind is the type of an error answer, in the first envelope.
func (r reply) kind(t *testing.T) string {
	t.Helper()
	assertProblem(t, r)
	return strings.TrimPrefix(r.object(t)["type"].(string), "errors/")
}

// source is the status of the one source of an account.
func (r reply) source(t *testing.T) string {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, r.body)
	assertAccount(t, r.object(t))
	return r.object(t)["sources"].([]any)[0].(map[string]any)["status"].(string)
}

func waitFor(t *testing.T, c <-chan reply) reply {
	t.Helper()
	select {
	case r := <-c:
		require.NoError(t, r.err)
		return r
	case <-time.After(time.Minute):
		t.Fatal("no answer")
		return reply{}
	}
}

const (
	whatsApp = `{"provider":"WHATSAPP"}`
	pairing  = `{"provider":"WHATSAPP","pairing_phone_number":"33612345678"}`
)
