package postpress_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/statusbus"
)

const (
	hookSecret = "a secret of the tests 1"
	hookOld    = "a secret of the tests 0"
)

// hookTold notes who was told. It is a Bus, and has the callbacks.
type hookTold struct {
	statusbus.Bus
	mu        sync.Mutex
	published []string
	events    []*postpress.WebhookEvent
	busErr    error
	eventErr  error
}

func (b *hookTold) Publish(_ context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.published = append(b.published, id)
	return b.busErr
}

func (b *hookTold) onEvent(_ context.Context, e *postpress.WebhookEvent) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
	return b.eventErr
}

func (b *hookTold) nobody(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Empty(t, b.published)
	assert.Empty(t, b.events)
}

// newHook makes a handler that tells told.
func newHook(t testing.TB, told *hookTold, change ...func(*postpress.WebhookConfig)) *postpress.WebhookHandler {
	t.Helper()
	cfg := postpress.WebhookConfig{Secrets: []string{hookSecret, hookOld}, Bus: told, OnEvent: told.onEvent}
	for _, c := range change {
		c(&cfg)
	}
	h, err := postpress.NewWebhookHandler(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	return h
}

// hookPost sends a body over a socket, with headers as name, value, ….
func hookPost(t testing.TB, url, body string, header ...string) *http.Response {
	t.Helper()
	return hookDo(t, http.MethodPost, url, strings.NewReader(body), header...)
}

func hookDo(t testing.TB, method, url string, body io.Reader, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp
}

func hookServer(t testing.TB, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// Each row has everything wrong that the rows after it have, so that the first guard answers.
func TestWebhookHandlerOrder(t *testing.T) {
	large := func() io.Reader { return strings.NewReader(strings.Repeat("{", 101)) }
	chunked := func() io.Reader { return io.MultiReader(large()) } // of a length nobody knows
	text := func(s string) func() io.Reader { return func() io.Reader { return strings.NewReader(s) } }
	auth := []string{"Postpress-Auth", hookSecret}
	down := errors.New("down")
	for _, row := range []struct {
		name, method     string
		body             func() io.Reader
		header           []string
		busErr, eventErr error
		want             int
		closes           bool
		published, event int
	}{
		{name: "method", method: "PUT", body: large, busErr: down, eventErr: down, want: 405, closes: true},
		{name: "GET", method: "GET", body: text(""), header: auth, want: 405, closes: true},
		{name: "no secret", body: large, busErr: down, eventErr: down, want: 401, closes: true},
		{name: "no secret, small", body: text(hookJSON), want: 401, closes: true},
		{name: "too large", body: large, header: auth, busErr: down, eventErr: down, want: 413, closes: true},
		{name: "too large, chunked", body: chunked, header: auth, busErr: down, eventErr: down, want: 413, closes: true},
		{name: "broken", body: text("{"), header: auth, busErr: down, eventErr: down, want: 400},
		{name: "bus down", body: text(hookStatus("a", "OK")), header: auth, busErr: down, eventErr: down, want: 503, published: 1},
		{name: "callback fails", body: text(hookStatus("a", "OK")), header: auth, eventErr: down, want: 500, published: 1, event: 1},
		{name: "fine", body: text(hookStatus("a", "OK")), header: auth, want: 200, published: 1, event: 1},
		{name: "fine, as large as can be", body: text(hookStatus("a", "OK") + strings.Repeat(" ", 100-len(hookStatus("a", "OK")))), header: auth, want: 200, published: 1, event: 1},
		{name: "foreign", body: text(`{"event":"message_received","account_id":"a"}`), header: auth, busErr: down, want: 200, event: 1},
		{name: "no id", body: text(`{"AccountStatus":7}`), header: auth, busErr: down, want: 200, event: 1},
		{name: "no such id", body: text(hookStatus("../a", "OK")), header: auth, busErr: down, want: 200, event: 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			told := &hookTold{busErr: row.busErr, eventErr: row.eventErr}
			url := hookServer(t, newHook(t, told, func(c *postpress.WebhookConfig) { c.MaxBodyBytes = 100 }))
			method := row.method
			if method == "" {
				method = http.MethodPost
			}
			resp := hookDo(t, method, url, row.body(), row.header...)
			assert.Equal(t, row.want, resp.StatusCode)
			assert.Equal(t, row.closes, resp.Close, "Connection: close")
			assert.Len(t, told.published, row.published)
			assert.Len(t, told.events, row.event)
			if row.want == http.StatusMethodNotAllowed {
				assert.Equal(t, "POST", resp.Header.Get("Allow"))
			}
		})
	}
}

func hookStatus(id, status string) string {
	return `{"AccountStatus":{"account_id":"` + id + `","account_type":"WHATSAPP","message":"` + status + `"}}`
}

func TestWebhookHandlerAuthentication(t *testing.T) {
	told := new(hookTold)
	server := hookServer(t, newHook(t, told))
	for name, header := range map[string][]string{
		"none":             nil,
		"empty":            {"Postpress-Auth", ""},
		"wrong":            {"Postpress-Auth", "another secret of 16"},
		"retired":          {"Postpress-Auth", "a secret of the tests 9"},
		"beginning":        {"Postpress-Auth", hookSecret[:16]},
		"longer":           {"Postpress-Auth", hookSecret + "1"},
		"other case":       {"Postpress-Auth", strings.ToUpper(hookSecret)},
		"two right":        {"Postpress-Auth", hookSecret, "Postpress-Auth", hookSecret},
		"right and wrong":  {"Postpress-Auth", hookSecret, "Postpress-Auth", "wrong"},
		"wrong and right":  {"Postpress-Auth", "wrong", "Postpress-Auth", hookSecret},
		"joined":           {"Postpress-Auth", hookSecret + ", " + hookOld},
		"another header":   {"X-Postpress-Auth", hookSecret},
		"as authorization": {"Authorization", "Bearer " + hookSecret},
	} {
		t.Run(name, func(t *testing.T) {
			resp := hookPost(t, server, hookJSON, header...)
			assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
			told.nobody(t)
		})
	}
	assert.Equal(t, http.StatusUnauthorized, hookPost(t, server+"?Postpress-Auth="+url.QueryEscape(hookSecret), "Postpress-Auth="+hookSecret).StatusCode)
	told.nobody(t)
	for _, secret := range []string{hookSecret, hookOld} {
		assert.Equal(t, http.StatusOK, hookPost(t, server, hookJSON, "postpress-AUTH", secret).StatusCode)
	}
	assert.Len(t, told.events, 2)
}

func TestWebhookHandlerHeaderOfOnesOwn(t *testing.T) {
	told := new(hookTold)
	url := hookServer(t, newHook(t, told, func(c *postpress.WebhookConfig) { c.Header = "x-hook-key" }))
	assert.Equal(t, http.StatusUnauthorized, hookPost(t, url, hookJSON, "Postpress-Auth", hookSecret).StatusCode)
	told.nobody(t)
	assert.Equal(t, http.StatusOK, hookPost(t, url, hookJSON, "X-Hook-Key", hookSecret).StatusCode)
}

// The answer is 200 and empty, and it is the body that decides, not its type.
func TestWebhookHandlerTakesEveryEncoding(t *testing.T) {
	for name, body := range hookSame {
		for _, contentType := range []string{"", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"} {
			told := new(hookTold)
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set("Postpress-Auth", hookSecret)
			r.Header.Set("Content-Type", contentType)
			newHook(t, told).ServeHTTP(w, r)
			assert.Equal(t, http.StatusOK, w.Code, name)
			assert.Empty(t, w.Body.String())
			assert.Equal(t, []string{"acc_1"}, told.published, name)
			require.Len(t, told.events, 1, name)
			assert.Equal(t, body, string(told.events[0].Raw))
		}
	}
}

func TestWebhookHandlerReadsRenamedFields(t *testing.T) {
	told := new(hookTold)
	h := newHook(t, told, func(c *postpress.WebhookConfig) {
		c.Data = []postpress.WebhookField{{Name: "id", Key: "account_id"}}
	})
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"AccountStatus":{"id":"a"}}`))
	r.Header.Set("Postpress-Auth", hookSecret)
	h.ServeHTTP(w, r)
	assert.Equal(t, []string{"a"}, told.published)
}
