package postpress_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

func TestNewRefuses(t *testing.T) {
	with := func(opts ...postpress.Option) func() error {
		return func() error { _, err := postpress.New(mockKey, opts...); return err }
	}
	base := func(s string) func() error { return with(postpress.WithBaseURL(s)) }
	key := func(s string) func() error { return func() error { _, err := postpress.New(s); return err } }
	for name, tc := range map[string]struct {
		new   func() error
		field string
	}{
		"no key":                 {key(""), "apiKey"},
		"key with line break":    {key("pp_test_1\n"), "apiKey"},
		"key with space":         {key("pp test"), "apiKey"},
		"key not ASCII":          {key("pp_tést"), "apiKey"},
		"no URL":                 {base(""), "WithBaseURL"},
		"no scheme":              {base("api.postpress.ai/v1"), "WithBaseURL"},
		"other scheme":           {base("ftp://api.postpress.ai"), "WithBaseURL"},
		"no host":                {base("https:///v1"), "WithBaseURL"},
		"broken":                 {base("https://[::1/v1"), "WithBaseURL"},
		"user":                   {base("https://user:hunter2@api.postpress.ai"), "WithBaseURL"},
		"fragment":               {base("https://api.postpress.ai/v1#top"), "WithBaseURL"},
		"trailing space":         {base("https://api.postpress.ai/v1 "), "WithBaseURL"},
		"plain http":             {base("http://api.postpress.ai/v1"), "WithBaseURL"},
		"plain http, look-alike": {base("http://localhost.example.com"), "WithBaseURL"},
		"nil HTTP client":        {with(postpress.WithHTTPClient(nil)), "WithHTTPClient"},
		"negative timeout":       {with(postpress.WithTimeout(-1)), "WithTimeout"},
		"no bytes":               {with(postpress.WithMaxResponseBytes(0)), "WithMaxResponseBytes"},
		"negative attempts":      {with(postpress.WithRetryPolicy(postpress.RetryPolicy{MaxAttempts: -1})), "WithRetryPolicy"},
		"negative delay":         {with(postpress.WithRetryPolicy(postpress.RetryPolicy{MaxDelay: -1})), "WithRetryPolicy"},
		"no rate":                {with(postpress.WithPollRate(0)), "WithPollRate"},
		"application, two lines": {with(postpress.WithApplication("shop\r\nX-Evil: 1", "1")), "WithApplication"},
		"application, no name":   {with(postpress.WithApplication("", "1.0")), "WithApplication"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := requireArgumentError(t, tc.new(), tc.field)
			assert.Equal(t, "postpress: "+bad.Field+" "+bad.Problem, bad.Error())
			assert.NotContains(t, bad.Error(), "hunter2")
			assert.NotContains(t, bad.Error(), "\n")
		})
	}
}

func TestNewAcceptsNilOption(t *testing.T) {
	_, err := postpress.New(mockKey, nil, postpress.WithLogger(nil))
	require.NoError(t, err)
}

func TestNewFromEnv(t *testing.T) {
	t.Setenv("POSTPRESS_API_KEY", "")
	t.Setenv("POSTPRESS_BASE_URL", "")
	_, err := postpress.NewFromEnv()
	requireArgumentError(t, err, "POSTPRESS_API_KEY")

	t.Setenv("POSTPRESS_API_KEY", mockKey+"\n")
	_, err = postpress.NewFromEnv()
	requireArgumentError(t, err, "POSTPRESS_API_KEY")

	t.Setenv("POSTPRESS_API_KEY", mockKey)
	client, err := postpress.NewFromEnv()
	require.NoError(t, err)
	assert.Equal(t, "postpress.Client("+postpress.DefaultBaseURL+")", fmt.Sprint(client))

	t.Setenv("POSTPRESS_BASE_URL", "api.example.com")
	_, err = postpress.NewFromEnv()
	requireArgumentError(t, err, "POSTPRESS_BASE_URL")
	_, err = postpress.NewFromEnv(postpress.WithBaseURL("api.example.org"))
	requireArgumentError(t, err, "WithBaseURL")

	t.Setenv("POSTPRESS_BASE_URL", "https://api.example.com/v1?port=13443")
	client, err = postpress.NewFromEnv()
	require.NoError(t, err)
	assert.Equal(t, "postpress.Client(https://api.example.com/v1)", fmt.Sprint(client))
	client, err = postpress.NewFromEnv(postpress.WithBaseURL("https://api.example.org"))
	require.NoError(t, err)
	assert.Equal(t, "postpress.Client(https://api.example.org)", fmt.Sprint(client), "options win")
}

// Whatever the form of the base URL, a call arrives where it should.
func TestBaseURL(t *testing.T) {
	var got string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.EscapedPath() + "?" + r.URL.RawQuery
		fmt.Fprint(w, `{"items":[],"cursor":null}`)
	}))
	defer srv.Close()
	port := srv.URL[strings.LastIndex(srv.URL, ":"):]
	for base, want := range map[string]string{
		srv.URL:                       "/accounts?limit=1",
		srv.URL + "/":                 "/accounts?limit=1",
		srv.URL + "/v1":               "/v1/accounts?limit=1",
		srv.URL + "/v1//":             "/v1/accounts?limit=1",
		srv.URL + "/a%2Fb/v1/":        "/a%2Fb/v1/accounts?limit=1",
		srv.URL + "/v1?port=13443":    "/v1/accounts?port=13443&limit=1",
		srv.URL + "/v1/?port=13443":   "/v1/accounts?port=13443&limit=1",
		"http://LocalHost" + port:     "/accounts?limit=1",
		srv.URL + "/gateway/pp/v1?a=": "/gateway/pp/v1/accounts?a=&limit=1",
	} {
		t.Run(base, func(t *testing.T) {
			client, err := postpress.New(mockKey, postpress.WithBaseURL(base))
			require.NoError(t, err)
			defer client.Close()
			_, err = client.ListAccounts(t.Context(), postpress.ListOptions{Limit: 1})
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

func TestPlainHTTPOnRequest(t *testing.T) {
	for _, base := range []string{"http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "http://api.localhost:1"} {
		_, err := postpress.New(mockKey, postpress.WithBaseURL(base))
		assert.NoError(t, err, base)
	}
	_, err := postpress.New(mockKey, postpress.WithBaseURL("http://10.0.0.1/v1"), postpress.WithInsecureHTTP())
	assert.NoError(t, err)
}

func TestUserAgent(t *testing.T) {
	for name, tc := range map[string]struct {
		opts []postpress.Option
		want string
	}{
		"plain":       {nil, ``},
		"application": {[]postpress.Option{postpress.WithApplication("shop", "1.2")}, ` shop/1\.2`},
		"no version":  {[]postpress.Option{postpress.WithApplication("shop", "")}, ` shop`},
	} {
		t.Run(name, func(t *testing.T) {
			api := newMockAPI(t, tc.opts...)
			api.answer("GET", "/accounts/a", reply(200, `{"id":"a"}`))
			_, err := api.client.GetAccount(t.Context(), "a")
			require.NoError(t, err)
			assert.Regexp(t, `^postpress-go/`+postpress.Version+` \(go1[^;]*; [a-z0-9]+/[a-z0-9]+\)`+tc.want+`$`, api.only().Header.Get("User-Agent"))
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestHTTPClientIsCopied(t *testing.T) {
	held := roundTripper(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	own := &http.Client{Transport: held, Timeout: time.Minute}
	synctest.Test(t, func(t *testing.T) {
		client, err := postpress.New(mockKey, postpress.WithHTTPClient(own), postpress.WithRetryPolicy(postpress.RetryPolicy{MaxAttempts: 1}))
		require.NoError(t, err)
		began := time.Now()
		_, err = client.GetAccount(t.Context(), "a")
		require.ErrorIs(t, err, postpress.ErrTimeout)
		assert.Equal(t, time.Minute, time.Since(began), "its Timeout bounds an attempt")

		client, err = postpress.New(mockKey, postpress.WithHTTPClient(own), postpress.WithTimeout(time.Second),
			postpress.WithRetryPolicy(postpress.RetryPolicy{MaxAttempts: 1}))
		require.NoError(t, err)
		began = time.Now()
		_, err = client.GetAccount(t.Context(), "a")
		require.ErrorIs(t, err, postpress.ErrTimeout)
		assert.Equal(t, time.Second, time.Since(began), "WithTimeout goes before it")
	})
	assert.Nil(t, own.CheckRedirect)
	assert.Equal(t, time.Minute, own.Timeout)
}

func TestClientStaysUsableAfterClose(t *testing.T) {
	api := newMockAPI(t)
	api.client.Close()
	api.answer("GET", "/accounts/a", reply(200, `{"id":"a"}`))
	_, err := api.client.GetAccount(t.Context(), "a")
	require.NoError(t, err)
}
