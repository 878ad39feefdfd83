package postpress_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

func TestDo(t *testing.T) {
	api := newMockAPI(t)
	api.answer("POST", "/chats/a%2Fb?limit=10", reply(201, `{"object":"ChatStarted","n":1}`))
	var out struct{ Object string }
	err := api.client.Do(t.Context(), "post", "/chats/a%2Fb?limit=10", map[string]any{"text": "hi"}, &out)
	require.NoError(t, err)
	assert.Equal(t, "ChatStarted", out.Object)
	sent := api.only()
	assert.Equal(t, "POST", sent.Method)
	assert.Equal(t, "/gateway/v1/chats/a%2Fb", sent.Path)
	assert.Equal(t, "limit=10", sent.Query)
	assert.JSONEq(t, `{"text":"hi"}`, sent.Body)
}

func TestDoDecodes(t *testing.T) {
	t.Run("raw", func(t *testing.T) {
		api := newMockAPI(t)
		api.answer("GET", "/chats", reply(200, ` [1, 2]`))
		var raw json.RawMessage
		require.NoError(t, api.client.Do(t.Context(), "GET", "/chats", nil, &raw))
		assert.Equal(t, ` [1, 2]`, string(raw))
	})
	t.Run("nothing wanted", func(t *testing.T) {
		api := newMockAPI(t)
		api.answer("GET", "/chats", reply(200, `whatever`))
		require.NoError(t, api.client.Do(t.Context(), "GET", "/chats", nil, nil))
	})
	t.Run("no content", func(t *testing.T) {
		api := newMockAPI(t)
		api.answer("DELETE", "/chats/c1", reply(204, ``))
		raw, out := json.RawMessage(nil), struct{ Object string }{"untouched"}
		require.NoError(t, api.client.Do(t.Context(), "DELETE", "/chats/c1", nil, &raw))
		require.NoError(t, api.client.Do(t.Context(), "DELETE", "/chats/c1", nil, &out))
		assert.Nil(t, raw)
		assert.Equal(t, "untouched", out.Object)
	})
	t.Run("not JSON", func(t *testing.T) {
		api := newMockAPI(t)
		api.answer("GET", "/chats", reply(200, fixture(t, "errors/gateway.html")))
		var raw json.RawMessage
		err := api.client.Do(t.Context(), "GET", "/chats", nil, &raw)
		require.EqualError(t, err, "postpress: GET /chats: 200 OK: the answer could not be read: "+
			"the body is not JSON: 502 Bad Gateway 502 Bad Gateway nginx/1.27.3")
		var apiErr *postpress.APIError
		require.ErrorAs(t, err, &apiErr)
		assert.Equal(t, fixture(t, "errors/gateway.html"), string(apiErr.Body()))
		assert.NotErrorIs(t, err, postpress.ErrUnknownOutcome, "a GET changes nothing")
	})
	t.Run("other JSON than wanted", func(t *testing.T) {
		api := newMockAPI(t)
		api.answer("POST", "/chats", reply(200, `{"object":1}`))
		var out struct{ Object string }
		err := api.client.Do(t.Context(), "POST", "/chats", nil, &out)
		require.ErrorIs(t, err, postpress.ErrUnknownOutcome)
		var mismatch *json.UnmarshalTypeError
		require.ErrorAs(t, err, &mismatch)
	})
}

// What cannot be right is refused before anything is sent: the mock has no answer to give.
func TestDoRefuses(t *testing.T) {
	var nowhere *struct{}
	for name, tc := range map[string]struct {
		method, path string
		in, out      any
		opt          postpress.RequestOption
		field        string
	}{
		"no method":            {"", "/chats", nil, nil, nil, "method"},
		"two methods":          {"GET POST", "/chats", nil, nil, nil, "method"},
		"no path":              {"GET", "", nil, nil, nil, "path"},
		"no slash":             {"GET", "chats", nil, nil, nil, "path"},
		"other host":           {"GET", "//evil.example.com/chats", nil, nil, nil, "path"},
		"URL":                  {"GET", "https://evil.example.com/", nil, nil, nil, "path"},
		"dots":                 {"GET", "/chats/../accounts", nil, nil, nil, "path"},
		"dot":                  {"GET", "/chats/.", nil, nil, nil, "path"},
		"escaped dots":         {"GET", "/chats/%2e%2E/accounts", nil, nil, nil, "path"},
		"escaped slash, dots":  {"GET", "/chats/..%2f..%2fadmin", nil, nil, nil, "path"},
		"broken escape":        {"GET", "/chats/%zz", nil, nil, nil, "path"},
		"space":                {"GET", "/chats/a b", nil, nil, nil, "path"},
		"backslash":            {"GET", `/chats/..\admin`, nil, nil, nil, "path"},
		"quote":                {"GET", `/chats%2Fx/"`, nil, nil, nil, "path"},
		"line break":           {"GET", "/chats\r\nX-Evil: 1", nil, nil, nil, "path"},
		"fragment":             {"GET", "/chats#1", nil, nil, nil, "path"},
		"space in query":       {"GET", "/chats?q=a b", nil, nil, nil, "path"},
		"in has no JSON":       {"POST", "/chats", math.Inf(1), nil, nil, "in"},
		"out is no pointer":    {"GET", "/chats", nil, struct{}{}, nil, "out"},
		"out points nowhere":   {"GET", "/chats", nil, nowhere, nil, "out"},
		"empty key":            {"POST", "/chats", nil, nil, postpress.WithIdempotencyKey(""), "WithIdempotencyKey"},
		"blank key":            {"POST", "/chats", nil, nil, postpress.WithIdempotencyKey(" "), "WithIdempotencyKey"},
		"long key":             {"POST", "/chats", nil, nil, postpress.WithIdempotencyKey(strings.Repeat("k", 256)), "WithIdempotencyKey"},
		"two-line key":         {"POST", "/chats", nil, nil, postpress.WithIdempotencyKey("a\nb"), "WithIdempotencyKey"},
		"no header name":       {"GET", "/chats", nil, nil, postpress.WithHeader("", "v"), "WithHeader"},
		"header name, two":     {"GET", "/chats", nil, nil, postpress.WithHeader("A: b\r\nC", "v"), "WithHeader"},
		"header value, lines":  {"GET", "/chats", nil, nil, postpress.WithHeader("A", "v\r\nX: 1"), "WithHeader"},
		"the key":              {"GET", "/chats", nil, nil, postpress.WithHeader("x-api-key", "v"), "WithHeader"},
		"the user agent":       {"GET", "/chats", nil, nil, postpress.WithHeader("user-agent", "v"), "WithHeader"},
		"the idempotency key":  {"GET", "/chats", nil, nil, postpress.WithHeader("idempotency-key", "v"), "WithHeader"},
		"another bearer token": {"GET", "/chats", nil, nil, postpress.WithHeader("Authorization", "v"), "WithHeader"},
	} {
		t.Run(name, func(t *testing.T) {
			api := newMockAPI(t)
			err := api.client.Do(t.Context(), tc.method, tc.path, tc.in, tc.out, nil, tc.opt)
			requireArgumentError(t, err, tc.field)
			assert.Empty(t, api.sent)
		})
	}
}

// In errors and logs a path of Do stands without what may be an id or a number.
func TestDoHidesIDsOfItsPath(t *testing.T) {
	for path, want := range map[string]string{
		"/accounts":                                "/accounts",
		"/accounts/acc_01HXYZ/restart":             "/accounts/{id}/restart",
		"/chats/33612345678@s.whatsapp.net?q=Ada":  "/chats/{id}",
		"/chat_attendees/in-app/":                  "/chat_attendees/in-app/",
		"/users/" + strings.Repeat("averylong", 5): "/users/{id}",
	} {
		api := newMockAPI(t)
		relative, query, _ := strings.Cut(path, "?")
		api.answer("GET", relative, reply(404, ``))
		var apiErr *postpress.APIError
		require.ErrorAs(t, api.client.Do(t.Context(), "GET", path, nil, nil), &apiErr)
		assert.Equal(t, want, apiErr.PathTemplate)
		assert.Equal(t, "/gateway/v1"+relative, api.only().Path)
		assert.Equal(t, query, api.only().Query)
	}
}

func TestRequestOptions(t *testing.T) {
	api := newMockAPI(t)
	api.answer("PATCH", "/accounts/a", reply(200, `{}`))
	api.answer("GET", "/accounts/a", reply(200, `{"id":"a"}`))
	opts := []postpress.RequestOption{
		postpress.WithIdempotencyKey("order-1"), postpress.WithHeader("x-trace", "t-1"), postpress.WithHeader("X-Trace", "t-2"), nil,
	}
	require.NoError(t, api.client.UpdateAccount(t.Context(), "a", postpress.UpdateAccountRequest{Label: "x"}, opts...))
	_, err := api.client.GetAccount(t.Context(), "a", opts...)
	require.NoError(t, err)
	require.Len(t, api.sent, 2)
	assert.Equal(t, "order-1", api.sent[0].Header.Get("Idempotency-Key"))
	assert.Equal(t, []string{"t-1", "t-2"}, api.sent[0].Header["X-Trace"])
	assert.Empty(t, api.sent[1].Header.Get("Idempotency-Key"), "a GET has none")
}

// A logical call has one key, whatever the number of its attempts; two calls have two.
func TestIdempotencyKeyIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newMockAPI(t, postpress.WithRetryPolicy(postpress.RetryPolicy{}))
		api.answer("POST", "/accounts", reply(503, ``), httpmock.NewErrorResponder(errors.New("connection reset")),
			reply(201, fixture(t, "starts/created.json")))
		for range 2 {
			_, err := api.client.ConnectAccount(t.Context(), postpress.ConnectRequest{Provider: postpress.ProviderWhatsApp})
			require.NoError(t, err)
		}
		require.Len(t, api.sent, 4)
		var keys []string
		for _, s := range api.sent {
			assert.JSONEq(t, `{"provider":"WHATSAPP"}`, s.Body, "the body is repeated too")
			keys = append(keys, s.Header.Get("Idempotency-Key"))
		}
		assert.GreaterOrEqual(t, len(keys[0]), 22, "128 random bits")
		assert.Equal(t, []string{keys[0], keys[0], keys[0]}, keys[:3])
		assert.NotEqual(t, keys[0], keys[3])
	})
}

// After the context has ended nothing is sent, and the error says so.
func TestEndedContext(t *testing.T) {
	api := newMockAPI(t)
	api.answer("GET", "/accounts/a", func(r *http.Request) (*http.Response, error) { return nil, r.Context().Err() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := api.client.GetAccount(ctx, "a")
	require.ErrorIs(t, err, context.Canceled)
	var reqErr *postpress.RequestError
	require.ErrorAs(t, err, &reqErr)
	assert.Equal(t, "/accounts/{id}", reqErr.PathTemplate)
	assert.NotErrorIs(t, err, postpress.ErrUnavailable)
}

func TestRetryAfterBeyondPatience(t *testing.T) {
	api := newMockAPI(t, postpress.WithRetryPolicy(postpress.RetryPolicy{MaxRetryAfter: time.Minute}))
	api.answer("GET", "/accounts/a", replyWith(429, ``, http.Header{"Retry-After": {"61"}}))
	_, err := api.client.GetAccount(t.Context(), "a")
	var apiErr *postpress.APIError
	require.ErrorAs(t, err, &apiErr)
	assert.Equal(t, 61*time.Second, apiErr.RetryAfter)
	assert.Equal(t, 1, apiErr.Attempts)
}
