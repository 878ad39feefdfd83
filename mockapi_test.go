package postpress_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

const (
	mockKey  = "pp_test_0a1b2c3d4e5f6789"
	mockBase = "https://api.example.com/gateway/v1" // a prefix, so that nothing relies on the root
	mockID   = "acc_01HXYZ4QK3WJ8FN3M6QH7TZ8GR"
)

// mockAPI is a client whose requests end at an httpmock transport.
type mockAPI struct {
	t      *testing.T
	mock   *httpmock.MockTransport
	client *postpress.Client

	mu   sync.Mutex // httpmock answers in a goroutine of its own
	sent []sentRequest
}

type sentRequest struct {
	Method, Path, Query, Body string
	Header                    http.Header
}

// newMockAPI makes one; every request without a registered answer fails the test.
func newMockAPI(t *testing.T, opts ...postpress.Option) *mockAPI {
	t.Helper()
	api := &mockAPI{t: t, mock: httpmock.NewMockTransport()}
	defaults := []postpress.Option{
		postpress.WithBaseURL(mockBase),
		postpress.WithHTTPClient(&http.Client{Transport: api.mock}),
		postpress.WithRetryPolicy(postpress.RetryPolicy{MaxAttempts: 1}),
	}
	client, err := postpress.New(mockKey, append(defaults, opts...)...)
	require.NoError(t, err)
	api.client = client
	return api
}

// answer registers what the API answers, one after another; the last is repeated.
// The path is escaped and relative to the base.
func (api *mockAPI) answer(method, path string, answers ...httpmock.Responder) {
	n := 0
	api.mock.RegisterResponder(method, mockBase+path, func(r *http.Request) (*http.Response, error) {
		api.note(r)
		api.mu.Lock()
		next := answers[min(n, len(answers)-1)]
		n++
		api.mu.Unlock()
		return next(r)
	})
}

func (api *mockAPI) note(r *http.Request) {
	api.t.Helper()
	s := sentRequest{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: r.Header.Clone()}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		assert.NoError(api.t, err)
		s.Body = string(body)
	}
	assert.Equal(api.t, []string{mockKey}, r.Header["X-Api-Key"], "every request carries the key")
	assert.Equal(api.t, "application/json", r.Header.Get("Accept"))
	assert.Equal(api.t, s.Body != "", r.Header.Get("Content-Type") == "application/json", "a type where there is a body")
	keyed := r.Method == http.MethodPost || r.Method == http.MethodPatch
	assert.Equal(api.t, keyed, r.Header.Get("Idempotency-Key") != "", "a key on every POST and PATCH, and only there")
	api.mu.Lock()
	defer api.mu.Unlock()
	api.sent = append(api.sent, s)
}

// only gives the one request that was sent.
func (api *mockAPI) only() sentRequest {
	api.t.Helper()
	require.Len(api.t, api.sent, 1)
	return api.sent[0]
}

func reply(status int, body string) httpmock.Responder {
	return httpmock.NewStringResponder(status, body)
}

func replyWith(status int, body string, header http.Header) httpmock.Responder {
	return reply(status, body).HeaderSet(header)
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(data)
}

// fixtures are the files of a directory of testdata, by name without suffix.
func fixtures(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("testdata", dir))
	require.NoError(t, err)
	all := map[string]string{}
	for _, e := range entries {
		name, _, _ := strings.Cut(e.Name(), ".")
		all[name] = fixture(t, dir+"/"+e.Name())
	}
	return all
}

// requireArgumentError asserts that the error names the field, and that the
// text neither repeats the value nor is empty.
func requireArgumentError(t *testing.T, err error, field string) *postpress.ArgumentError {
	t.Helper()
	var bad *postpress.ArgumentError
	require.ErrorAs(t, err, &bad)
	assert.Equal(t, field, bad.Field)
	assert.NotEmpty(t, bad.Problem)
	return bad
}
