package linkhttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

func header(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}

// refusal is a request, and how it is refused.
type refusal struct {
	method, path, user, body string
	change                   func(*http.Request)
	status                   int
	code                     string
}

func refusals() map[string]refusal {
	large := `{"phone_number":"` + strings.Repeat(" ", maxBody) + `"}`
	return map[string]refusal{
		"no such path":             {"GET", "/", "ada", "", nil, 404, "no_route"},
		"no such path below":       {"GET", "/links/x/y", "ada", "", nil, 404, "no_route"},
		"too deep":                 {"GET", "/links/x/events/y", "ada", "", nil, 404, "no_route"},
		"mounted without prefix":   {"POST", "/whatsapp/links", "ada", `{}`, nil, 404, "no_route"},
		"wrong method":             {"GET", "/links", "ada", "", nil, 405, "method"},
		"head of a stream":         {"HEAD", "/links/x/events", "ada", "", nil, 405, "method"},
		"nobody":                   {"POST", "/links", "", `{}`, nil, 401, "unauthorized"},
		"nobody asks for a stream": {"GET", "/links/x/events", "", "", nil, 401, "unauthorized"},
		"other site":               {"POST", "/links", "ada", `{}`, header("Sec-Fetch-Site", "cross-site"), 403, "cross_site"},
		"sister site":              {"POST", "/links", "ada", `{}`, header("Sec-Fetch-Site", "same-site"), 403, "cross_site"},
		"other origin":             {"POST", "/links", "ada", `{}`, header("Origin", "https://evil.example"), 403, "cross_site"},
		"other site cancels":       {"DELETE", "/links/x", "ada", "", header("Sec-Fetch-Site", "cross-site"), 403, "cross_site"},
		"other site watches":       {"GET", "/links/x/events", "ada", "", header("Sec-Fetch-Site", "cross-site"), 403, "cross_site"},
		"other site before login":  {"POST", "/links", "", `{}`, header("Sec-Fetch-Site", "cross-site"), 403, "cross_site"},
		"form":                     {"POST", "/links", "ada", `{}`, header("Content-Type", "application/x-www-form-urlencoded"), 415, "content_type"},
		"text, without preflight":  {"POST", "/links", "ada", `{}`, header("Content-Type", "text/plain"), 415, "content_type"},
		"no type":                  {"POST", "/links", "ada", "", nil, 415, "content_type"},
		"no JSON":                  {"POST", "/links", "ada", `{`, nil, 400, "bad_request"},
		"empty":                    {"POST", "/links", "ada", ` `, nil, 400, "bad_request"},
		"two values":               {"POST", "/links", "ada", `{}{}`, nil, 400, "bad_request"},
		"unknown field":            {"POST", "/links", "ada", `{"proxy":"x"}`, nil, 400, "bad_request"},
		"large":                    {"POST", "/links", "ada", large, nil, 413, "too_large"},
		"existing account":         {"POST", "/links", "ada", `{"account_id":"acc_1"}`, nil, 403, "forbidden"},
		"bad number":               {"POST", "/links", "ada", `{"phone_number":"0612345678"}`, nil, 422, "phone_number"},
		"no id":                    {"DELETE", "/links/", "ada", "", nil, 404, "not_found"},
		"short id":                 {"DELETE", "/links/abc", "ada", "", nil, 404, "not_found"},
		"id with other signs":      {"DELETE", "/links/" + strings.Repeat("!", slotText+nonceText), "ada", "", nil, 404, "not_found"},
		"unknown id":               {"DELETE", "/links/" + strings.Repeat("a", slotText+nonceText), "ada", "", nil, 404, "not_found"},
		"unknown id to watch":      {"GET", "/links/" + strings.Repeat("a", slotText+nonceText) + "/events", "ada", "", nil, 404, "not_found"},
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	for name, test := range refusals() {
		t.Run(name, func(t *testing.T) {
			h, e := newTestHandler(t, nil)
			a := call(t, h, test.method, test.path, test.user, test.body, func(r *http.Request) {
				if test.change != nil {
					test.change(r)
				}
			})
			assert.Equal(t, test.status, a.code)
			assert.Equal(t, "no-store", a.Get("Cache-Control"))
			if test.method != "HEAD" {
				assert.Equal(t, test.code, a.body["code"])
				assert.NotEmpty(t, a.body["message"])
			}
			assert.NotContains(t, fmt.Sprint(a), "0612345678")
			assert.Empty(t, e.begun)
		})
	}
}

func TestRequestsThatAreNot(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"same origin":         header("Sec-Fetch-Site", "same-origin"),
		"typed by the user":   header("Sec-Fetch-Site", "none"),
		"older browser":       header("Origin", "http://example.com"), // the Host of httptest
		"no browser":          func(*http.Request) {},
		"with charset":        header("Content-Type", "application/json; charset=utf-8"),
		"trusted other one":   header("Origin", "https://app.example.org"),
		"without first slash": func(r *http.Request) { r.URL.Path = strings.TrimPrefix(r.URL.Path, "/") },
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := newTestHandler(t, func(c *Config) { c.TrustedOrigins = []string{"https://app.example.org"} })
			assert.Equal(t, http.StatusCreated, call(t, h, "POST", "/links", "ada", `{}`, change).code)
		})
	}
}

// What belongs to somebody else does not exist, whatever is tried.
func TestAttemptOfAnotherUser(t *testing.T) {
	h, e := newTestHandler(t, nil)
	id := start(t, h, "ada", `{}`)
	l := e.links(1)[0]
	for _, ended := range []bool{false, true} {
		if ended {
			l.connect()
			watch(t, serve(t, h), "ada", id, "").must(postpress.LinkConnected)
		}
		for path, method := range map[string]string{"/events": "GET", "/refresh": "POST", "": "DELETE"} {
			unknown := call(t, h, method, "/links/"+strings.Repeat("a", len(id))+path, "eve", "")
			a := call(t, h, method, "/links/"+id+path, "eve", "")
			assert.Equal(t, http.StatusNotFound, a.code, path)
			assert.Equal(t, unknown.body, a.body, "not told from one that there is not")
		}
	}
	refreshes, cancels := l.counts()
	assert.Zero(t, refreshes+cancels)
}

func TestMountedUnderAPrefix(t *testing.T) {
	h, _ := newTestHandler(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/app/whatsapp/", http.StripPrefix("/app/whatsapp", h))
	a := call(t, mux, "POST", "/app/whatsapp/links", "ada", `{}`)
	require.Equal(t, http.StatusCreated, a.code)
	assert.Equal(t, http.StatusNoContent, call(t, mux, "DELETE", "/app/whatsapp/links/"+a.body["id"], "ada", "").code)
}

// Hooks may choose what the browser is told; else their text stays here.
func TestErrorsOfHooks(t *testing.T) {
	own := &Problem{Status: 402, Code: "upgrade", Message: "Your plan has no room for another account.", RetryAfter: 1500 * time.Millisecond}
	for name, test := range map[string]struct {
		err       error
		authorize answer
		request   answer
	}{
		"any error":   {errors.New("sql: +33612345678 has no row"), answer{code: 401, body: map[string]string{"code": "unauthorized"}}, answer{code: 403, body: map[string]string{"code": "forbidden"}}},
		"its own":     {fmt.Errorf("wrapped: %w", own), answer{code: 402, body: map[string]string{"code": "upgrade"}}, answer{code: 402, body: map[string]string{"code": "upgrade"}}},
		"no problem?": {&Problem{Status: 200, Code: "ok"}, answer{code: 401, body: map[string]string{"code": "unauthorized"}}, answer{code: 403, body: map[string]string{"code": "forbidden"}}},
	} {
		t.Run(name, func(t *testing.T) {
			check := func(want, got answer) {
				assert.Equal(t, want.code, got.code)
				assert.Equal(t, want.body["code"], got.body["code"])
				assert.NotContains(t, got.body["message"], "336")
				if want.code == 402 {
					assert.Equal(t, "2", got.Get("Retry-After"), "rounded up")
				}
			}
			h, _ := newTestHandler(t, func(c *Config) {
				c.Authorize = func(*http.Request) (string, error) { return "ada", test.err }
			})
			check(test.authorize, call(t, h, "POST", "/links", "ada", `{}`))
			h, _ = newTestHandler(t, func(c *Config) {
				c.Request = func(*http.Request, string, Start) (postpress.LinkRequest, error) {
					return postpress.LinkRequest{}, test.err
				}
			})
			check(test.request, call(t, h, "POST", "/links", "ada", `{}`))
		})
	}
	assert.Equal(t, "linkhttp: 402 upgrade: Your plan has no room for another account.", own.Error())
}

func TestStartErrors(t *testing.T) {
	for code, test := range map[string]struct {
		err    error
		status int
	}{
		"rate_limited":      {&postpress.APIError{StatusCode: 429, RetryAfter: 90 * time.Second}, 429},
		"account_not_found": {&postpress.APIError{StatusCode: 404}, 404},
		"already_connected": {&postpress.StartError{Err: postpress.ErrAlreadyConnected}, 409},
		"in_progress":       {&postpress.APIError{StatusCode: 425}, 409},
		"unsupported":       {&postpress.StartError{Err: postpress.ErrUnsupportedCheckpoint}, 502},
		"not_permitted":     {&postpress.APIError{StatusCode: 403}, 502},
		"unavailable":       {&postpress.RequestError{Err: context.DeadlineExceeded}, 503},
		"failed":            {errors.New("+33612345678"), 502},
		"phone_number":      {&postpress.PhoneNumberError{Problem: "must not be empty"}, 422},
	} {
		t.Run(code, func(t *testing.T) {
			h, e := newTestHandler(t, nil)
			e.startFn = func(context.Context, postpress.LinkRequest) error { return test.err }
			a := call(t, h, "POST", "/links", "ada", `{}`)
			assert.Equal(t, test.status, a.code)
			assert.Equal(t, code, a.body["code"])
			assert.NotContains(t, a.body["message"], "33612345678")
			if code == "rate_limited" {
				assert.Equal(t, "90", a.Get("Retry-After"))
			}
			e.startFn = nil
			start(t, h, "ada", `{}`) // and nothing is in its way
		})
	}
}

func TestRefresh(t *testing.T) {
	h, e := newTestHandler(t, nil)
	url := serve(t, h)
	id := start(t, h, "ada", `{}`)
	l := e.links(1)[0]
	l.show(testQR)
	v := watch(t, url, "ada", id, "")
	before := v.must(postpress.LinkShow)
	require.Equal(t, http.StatusNoContent, call(t, h, "POST", "/links/"+id+"/refresh", "ada", "").code)
	assert.NotEqual(t, before.QRSVG, v.must(postpress.LinkShow).QRSVG)

	l.refuse = fmt.Errorf("%w: the phone is connecting", postpress.ErrAuthInProgress)
	a := call(t, h, "POST", "/links/"+id+"/refresh", "ada", "")
	assert.Equal(t, http.StatusConflict, a.code)
	assert.Equal(t, "not_yet", a.body["code"])
	l.refuse = &postpress.APIError{StatusCode: 429, RetryAfter: time.Second}
	assert.Equal(t, http.StatusTooManyRequests, call(t, h, "POST", "/links/"+id+"/refresh", "ada", "").code)
}

func TestConfigIsChecked(t *testing.T) {
	client, err := postpress.New("k")
	require.NoError(t, err)
	good := Config{Client: client, Authorize: func(*http.Request) (string, error) { return "", nil }}
	for field, change := range map[string]func(*Config){
		"Client":         func(c *Config) { c.Client = nil },
		"Authorize":      func(c *Config) { c.Authorize = nil },
		"Secret":         func(c *Config) { c.Store, c.Secret = NewMemoryStore(), make([]byte, 31) },
		"MaxPerUser":     func(c *Config) { c.MaxPerUser = -1 },
		"MaxStarts":      func(c *Config) { c.MaxStarts = -1 },
		"MaxTotal":       func(c *Config) { c.MaxTotal = -1 },
		"MaxViewers":     func(c *Config) { c.MaxViewers = -1 },
		"IdleTimeout":    func(c *Config) { c.IdleTimeout = -1 },
		"Heartbeat":      func(c *Config) { c.Heartbeat = -1 },
		"WriteTimeout":   func(c *Config) { c.WriteTimeout = -1 },
		"LeaseTime":      func(c *Config) { c.LeaseTime = -1 },
		"TrustedOrigins": func(c *Config) { c.TrustedOrigins = []string{"app.example.com"} },
	} {
		cfg := good
		change(&cfg)
		_, err := NewHandler(cfg)
		var wrong *postpress.ArgumentError
		require.ErrorAs(t, err, &wrong, field)
		assert.Equal(t, field, wrong.Field)
	}
}

// Nothing that is printed or logged holds a number, a code, a secret or a user.
func TestNothingPrintsSecrets(t *testing.T) {
	var log bytes.Buffer
	secret := []byte("0123456789abcdef0123456789abcdef")
	h, e := newTestHandler(t, func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Store, c.Secret = NewMemoryStore(), secret
		c.OnConnected = func(context.Context, string, *postpress.Account) error {
			return errors.New("duplicate key +33612345678 of ada@example.com")
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
			assert.Equal(t, "linkhttp.Config{MaxPerUser:0 MaxTotal:0}", fmt.Sprintf(verb, *c))
		}
	})
	assert.Equal(t, "linkhttp.Handler", fmt.Sprintf("%+v", h))
	id := start(t, h, "ada@example.com", `{"phone_number":"+33 612 345 678"}`)
	l := e.links(1)[0]
	l.showCode("WXYZ-7788")
	v := watch(t, serve(t, h), "ada@example.com", id, "")
	v.must(postpress.LinkShow)
	l.connect()
	assert.Equal(t, "not_saved", v.skipTo(stateFailed).Code)
	require.NoError(t, h.Shutdown(t.Context()))
	assert.Contains(t, log.String(), "linking started")
	assert.Contains(t, log.String(), "code=not_saved")
	assert.Contains(t, log.String(), "account=acc_1")
	for _, hidden := range []string{"612", "WXYZ", "7788", "ada@", string(secret), id} {
		assert.NotContains(t, log.String(), hidden)
	}
	assert.NotContains(t, fmt.Sprintf("%+v", Start{PhoneNumber: "33612345678"}), "336")
}

// The documentation names every code, and every code has words.
func TestCodesHaveWords(t *testing.T) {
	for code, text := range words {
		assert.NotEmpty(t, text, code)
		assert.Regexp(t, `^[A-Z].*\.$`, text, code)
	}
	assert.Equal(t, words["failed"], wordsFor("unheard_of"))
}
