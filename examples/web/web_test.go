package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// output is written by run and read by the test at the same time.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// visitor is one browser.
type visitor struct {
	t   *testing.T
	url string
	c   *http.Client
}

// launch runs the program and opens its page; stop ends it and gives the exit code.
func launch(t *testing.T, args ...string) (v visitor, stdout *output, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stdout = &output{}
	exit := make(chan int, 1)
	go func() { exit <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), stdout, io.Discard) }()
	require.Eventually(t, func() bool { return strings.Contains(stdout.String(), "\n") }, 10*time.Second, time.Millisecond)
	v = visitor{t: t, url: regexp.MustCompile(`http://[^ ]+`).FindString(stdout.String())}.another()
	var once sync.Once
	code := -1
	stop = func() int { once.Do(func() { cancel(); code = <-exit }); return code }
	t.Cleanup(func() { stop() })
	return v, stdout, stop
}

// another opens the page in a browser of its own.
func (v visitor) another() visitor {
	v.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(v.t, err)
	v.c = &http.Client{Jar: jar}
	_ = v.do("GET", "/", "").Body.Close()
	return v
}

func (v visitor) do(method, path, body string, headers ...string) *http.Response {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(body))
	require.NoError(v.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := v.c.Do(r)
	require.NoError(v.t, err)
	v.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func (v visitor) start(body string) (id string) {
	v.t.Helper()
	res := v.do("POST", "/whatsapp/links", body)
	require.Equal(v.t, http.StatusCreated, res.StatusCode)
	var started struct{ ID string }
	require.NoError(v.t, json.NewDecoder(res.Body).Decode(&started))
	return started.ID
}

// follow reads the steps until one of the state comes.
func (v visitor) follow(id, state string) (data string) {
	v.t.Helper()
	lines := bufio.NewScanner(v.do("GET", "/whatsapp/links/"+id+"/events", "").Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && strings.Contains(data, `"state":"`+state+`"`) {
			return data
		}
	}
	require.Fail(v.t, "the stream ended before "+state)
	return ""
}

type listed struct {
	Demo     bool
	Accounts []account
}

func (v visitor) accounts() (l listed) {
	v.t.Helper()
	require.NoError(v.t, json.NewDecoder(v.do("GET", "/accounts", "").Body).Decode(&l))
	return l
}

func TestWebOnTheDouble(t *testing.T) {
	t.Setenv("POSTPRESS_API_KEY", "")
	v, stdout, stop := launch(t, "-connect-delay", "0s")
	assert.Regexp(t, `^postpress web example listening on http://127\.0\.0\.1:\d+ \(POSTPRESS_API_KEY is not set.*\)\n$`, stdout.String())
	assert.Equal(t, listed{Demo: true, Accounts: []account{}}, v.accounts())
	assert.Equal(t, http.StatusConflict, v.do("POST", "/phone/scan", "").StatusCode, "there is nothing to scan")

	id := v.start(`{}`)
	v.follow(id, "show")
	require.Equal(t, http.StatusNoContent, v.do("POST", "/phone/scan", "").StatusCode)
	v.follow(id, "connected")
	mine := v.accounts().Accounts
	require.Len(t, mine, 1)
	assert.EqualValues(t, "OK", mine[0].Status)

	stranger := v.another()
	assert.Empty(t, stranger.accounts().Accounts)
	assert.Equal(t, http.StatusNotFound, stranger.do("GET", "/whatsapp/links/"+id+"/events", "").StatusCode)
	again := `{"account_id":"` + mine[0].ID + `"}`
	assert.Equal(t, http.StatusForbidden, stranger.do("POST", "/whatsapp/links", again).StatusCode)

	require.Equal(t, http.StatusNoContent, v.do("POST", "/phone/unlink", "").StatusCode)
	assert.True(t, v.accounts().Accounts[0].NeedsReconnect)
	v.start(again)
	require.Equal(t, http.StatusNoContent, v.do("POST", "/phone/scan-other", "").StatusCode)
	assert.Eventually(t, func() bool { return v.accounts().Accounts[0].OtherNumber }, 5*time.Second, 10*time.Millisecond)
	assert.Equal(t, exitOK, stop())
}

func TestWebPairing(t *testing.T) {
	t.Setenv("POSTPRESS_API_KEY", "")
	v, _, _ := launch(t, "-connect-delay", "0s", "-refresh", "1m")
	id := v.start(`{"phone_number":"+33 6 12 34 56 78"}`)
	assert.Contains(t, v.follow(id, "show"), `"pairing_code":"`)
	require.Equal(t, http.StatusNoContent, v.do("POST", "/phone/pair", "").StatusCode)
	assert.Contains(t, v.follow(id, "connected"), `"33612345678"`)
	assert.Equal(t, http.StatusConflict, v.do("POST", "/phone/wait", "").StatusCode)
	assert.Equal(t, http.StatusNotFound, v.do("POST", "/phone/throw", "").StatusCode)
}

func TestWebWithAKeyHasNoPhone(t *testing.T) {
	t.Setenv("POSTPRESS_API_KEY", "pp_test_web")
	t.Setenv("POSTPRESS_BASE_URL", "http://127.0.0.1:1")
	v, stdout, _ := launch(t)
	assert.Contains(t, stdout.String(), "(talking to the API)")
	assert.False(t, v.accounts().Demo)
	assert.Equal(t, http.StatusNotFound, v.do("POST", "/phone/scan", "").StatusCode)
}

func TestWebSessions(t *testing.T) {
	t.Setenv("POSTPRESS_API_KEY", "")
	v, _, _ := launch(t)
	bare := visitor{t, v.url, &http.Client{}}
	set := bare.do("GET", "/", "").Header.Get("Set-Cookie")
	assert.Contains(t, set, "HttpOnly")
	assert.Contains(t, set, "SameSite=Strict")
	for _, path := range []string{"/accounts", "/whatsapp/links/x/events"} {
		assert.Equal(t, http.StatusUnauthorized, bare.do("GET", path, "").StatusCode)
		assert.Equal(t, http.StatusUnauthorized, bare.do("GET", path, "", "Cookie", "session=ada.forged").StatusCode)
	}
	assert.Equal(t, http.StatusUnauthorized, bare.do("POST", "/phone/scan", "").StatusCode)
	for _, path := range []string{"/phone/scan", "/whatsapp/links"} {
		assert.Equal(t, http.StatusForbidden, v.do("POST", path, `{}`, "Sec-Fetch-Site", "cross-site").StatusCode)
	}
}

// The policy allows no script and no style but the files of the page.
func TestWebPage(t *testing.T) {
	t.Setenv("POSTPRESS_API_KEY", "")
	v, _, _ := launch(t)
	res := v.do("GET", "/", "")
	html, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; style-src 'self'")
	assert.NotContains(t, res.Header.Get("Content-Security-Policy"), "unsafe")
	assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	assert.Equal(t, "no-referrer", res.Header.Get("Referrer-Policy"))
	assert.NotRegexp(t, `<script[^>]*>[^<]|<style|\son\w+=|\sstyle=`, string(html))
	for path, kind := range map[string]string{"/app.js": "javascript", "/style.css": "css", "/icon.svg": "svg"} {
		res := v.do("GET", path, "")
		assert.Equal(t, http.StatusOK, res.StatusCode)
		assert.Contains(t, res.Header.Get("Content-Type"), kind)
	}
	assert.Equal(t, http.StatusNotFound, v.do("GET", "/web.go", "").StatusCode)
}

func TestWebUsage(t *testing.T) {
	t.Setenv("POSTPRESS_API_KEY", "")
	var out, errs output
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &out, &errs))
	for _, args := range [][]string{{"-nonsense"}, {"surplus"}, {"-refresh", "x"}, {"-refresh", "1ms"}} {
		assert.Equal(t, exitUsage, run(t.Context(), args, &out, &errs), args)
	}
	assert.Equal(t, exitFailed, run(t.Context(), []string{"-addr", "256.0.0.1:1"}, &out, &errs))
	t.Setenv("POSTPRESS_API_KEY", "k")
	t.Setenv("POSTPRESS_BASE_URL", "http://api.example.com")
	assert.Equal(t, exitUsage, run(t.Context(), nil, &out, &errs))
	assert.Contains(t, errs.String(), "https")
	assert.Empty(t, out.String())
}
