package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

const testSecret = "the secret of the tests"

// output is written by the program and read by the test at the same time.
type output struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	news chan struct{} // holds one when something was written
}

func newOutput() *output { return &output{news: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.news <- struct{}{}:
	default:
	}
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// wait returns when the text has been written.
func (o *output) wait(text string) {
	for !strings.Contains(o.String(), text) {
		<-o.news
	}
}

// test is a program at a free port, whose phone is quick.
func test(t *testing.T) (p *program, addr string, out, errs *output) {
	t.Helper()
	for _, name := range []string{"POSTPRESS_API_KEY", "POSTPRESS_BASE_URL", "POSTPRESS_WEBHOOK_URL", "POSTPRESS_WEBHOOK_SECRET"} {
		t.Setenv(name, "")
	}
	t.Setenv("TMPDIR", t.TempDir())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	out, errs = newOutput(), newOutput()
	listen := func(string, string) (net.Listener, error) { return l, nil }
	return &program{out: &lines{to: out, began: time.Now()}, errs: errs, listen: listen}, l.Addr().String(), out, errs
}

// atAPI has the program use a double that is served over loopback.
func atAPI(t *testing.T, addr string, opts ...postpresstest.Option) *postpresstest.Server {
	t.Helper()
	api := postpresstest.NewServer(opts...)
	t.Cleanup(api.Close)
	t.Setenv("POSTPRESS_API_KEY", "pp_test_secret")
	t.Setenv("POSTPRESS_BASE_URL", api.URL+"/v1")
	t.Setenv("POSTPRESS_WEBHOOK_URL", "http://"+addr+"/hook/")
	t.Setenv("POSTPRESS_WEBHOOK_SECRET", testSecret)
	return api
}

func files(t *testing.T) int {
	t.Helper()
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	return len(left)
}

func TestWebhookOnTheDouble(t *testing.T) {
	for name, args := range map[string][]string{"QR code": nil, "pairing code": {"-phone", "+33 6 12 34 56 78"}} {
		t.Run(name, func(t *testing.T) {
			p, _, out, errs := test(t)
			assert.Equal(t, exitConnected, p.run(t.Context(), args), errs)
			assert.Empty(t, errs.String())
			assert.Contains(t, out.String(), "POSTPRESS_API_KEY is not set")
			assert.Contains(t, out.String(), name)
			assert.Regexp(t, `webhook: acc_\w{26} says (CONNECTING|OK)\n`, out.String())
			assert.Regexp(t, `waiter: has read acc_\w{26} CONNECTING\n(.|\n)*phone: (.|\n)*waiter: has read acc_\w{26} OK\n`, out.String())
			assert.Regexp(t, `waiter: returned \d+\.\d ms after the last webhook came\n`, out.String())
			assert.Regexp(t, `connected account acc_\w{26}\n`, out.String())
			assert.Regexp(t, `stopped: .*\n$`, out.String())
			assert.NotContains(t, out.String(), "33612345678")
			assert.Zero(t, files(t), "the picture goes when it has served")
		})
	}
}

// Against the API: the webhook is created once, and the program goes on receiving if it is asked to.
func TestWebhookAgainstTheAPI(t *testing.T) {
	p, addr, out, errs := test(t)
	api := atAPI(t, addr, postpresstest.WithAutoScan(0))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int)
	go func() { code <- p.run(ctx, []string{"-stay"}) }()
	out.wait("receiving until interrupted")
	id := regexp.MustCompile(`connected account (\S+)`).FindStringSubmatch(out.String())
	require.NotNil(t, id, out)
	require.NoError(t, api.SetStatus(id[1], "CREDENTIALS"))
	answer := post(t, "http://"+addr+"/hook/", id[1]) // the double's own comes after those of the linking
	out.wait("webhook: " + id[1] + " says CREDENTIALS")
	cancel()
	assert.Equal(t, exitConnected, <-code, errs)
	assert.Contains(t, out.String(), "changed: "+id[1]+" is CREDENTIALS", "what was accepted is dealt with, and at once")
	assert.Equal(t, http.StatusOK, <-answer)
	assert.NotContains(t, out.String()+errs.String(), testSecret)
	assert.NotContains(t, out.String()+errs.String(), "pp_test_secret")

	again, _, _, errs := test(t)
	t.Setenv("POSTPRESS_API_KEY", "pp_test_secret")
	t.Setenv("POSTPRESS_BASE_URL", api.URL+"/v1")
	t.Setenv("POSTPRESS_WEBHOOK_SECRET", testSecret)
	assert.Equal(t, exitConnected, again.run(t.Context(), []string{"-url", "http://" + addr + "/hook/"}), errs)
	created := 0
	for _, r := range api.Requests() {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/webhooks") {
			created++
		}
	}
	assert.Equal(t, 1, created)
}

// post sends an event like the API, and gives the answer.
func post(t *testing.T, url, id string) <-chan int {
	t.Helper()
	body := strings.NewReader(`{"AccountStatus":{"account_id":"` + id + `","message":"CREDENTIALS"}}`)
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, body)
	require.NoError(t, err)
	r.Header.Set(postpress.DefaultWebhookHeader, testSecret)
	code := make(chan int, 1)
	go func() {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if assert.NoError(t, err) {
			_ = resp.Body.Close()
			code <- resp.StatusCode
		}
		close(code)
	}()
	return code
}

func TestWebhookInterrupted(t *testing.T) {
	p, addr, out, errs := test(t)
	atAPI(t, addr) // where nobody scans
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int)
	go func() { code <- p.run(ctx, nil) }()
	out.wait("QR code: ")
	cancel()
	assert.Equal(t, exitInterrupted, <-code)
	assert.Regexp(t, `^webhook: interrupted\n`, errs.String())
	assert.Zero(t, files(t))
}

func TestWebhookNotInTime(t *testing.T) {
	p, addr, _, errs := test(t)
	atAPI(t, addr)
	assert.Equal(t, exitNotInTime, p.run(t.Context(), []string{"-timeout", "1ms"}))
	assert.Regexp(t, `is left pending`, errs.String())
}

func TestWebhookUsage(t *testing.T) {
	for _, args := range [][]string{{"-nonsense"}, {"surplus"}, {"-timeout", "0s"}, {"-timeout", "x"}, {"-phone", "0612"}} {
		p, _, _, errs := test(t)
		assert.Equal(t, exitUsage, p.run(t.Context(), args), args)
		assert.NotEmpty(t, errs.String())
	}
	for name, env := range map[string][3]string{
		"no URL":        {"", testSecret, "set POSTPRESS_WEBHOOK_URL"},
		"no secret":     {"https://example.com/hook", "", "POSTPRESS_WEBHOOK_SECRET"},
		"short secret":  {"https://example.com/hook", "short", "at least 16 bytes"},
		"plain http":    {"http://example.com/hook", testSecret, "https://"},
		"no URL at all": {"http://exa mple.com/hook", testSecret, "URL"},
	} {
		t.Run(name, func(t *testing.T) {
			p, addr, _, errs := test(t)
			atAPI(t, addr)
			t.Setenv("POSTPRESS_WEBHOOK_URL", env[0])
			t.Setenv("POSTPRESS_WEBHOOK_SECRET", env[1])
			assert.Equal(t, exitUsage, p.run(t.Context(), nil))
			assert.Contains(t, errs.String(), env[2])
		})
	}
	p, _, _, _ := test(t)
	assert.Equal(t, exitConnected, p.run(t.Context(), []string{"-h"}))
}

func TestWebhookFailures(t *testing.T) {
	t.Run("wrong key", func(t *testing.T) {
		p, addr, _, errs := test(t)
		atAPI(t, addr, postpresstest.WithAPIKey("another"))
		assert.Equal(t, exitFailed, p.run(t.Context(), nil))
		assert.Contains(t, errs.String(), "check POSTPRESS_API_KEY")
	})
	t.Run("another secret", func(t *testing.T) {
		p, addr, _, errs := test(t)
		api := atAPI(t, addr)
		_, err := api.Client().CreateAccountStatusWebhook(t.Context(), "http://"+addr+"/hook/", "another secret of 16")
		require.NoError(t, err)
		assert.Equal(t, exitFailed, p.run(t.Context(), nil))
		assert.Contains(t, errs.String(), "delete the webhook")
	})
	t.Run("address in use", func(t *testing.T) {
		p, addr, _, errs := test(t)
		p.listen = net.Listen
		assert.Equal(t, exitFailed, p.run(t.Context(), []string{"-addr", addr}))
		assert.Contains(t, errs.String(), "in use")
	})
	t.Run("listener fails", func(t *testing.T) {
		p, addr, out, errs := test(t)
		atAPI(t, addr)
		l, _ := p.listen("", "")
		code := make(chan int)
		go func() { code <- p.run(t.Context(), nil) }()
		out.wait("QR code: ")
		require.NoError(t, l.Close())
		assert.Equal(t, exitFailed, <-code)
		assert.Contains(t, errs.String(), "use of closed network connection")
	})
}

// A server without time-outs is one that anybody can occupy.
func TestServerIsBounded(t *testing.T) {
	s := newServer(nil)
	for _, d := range []time.Duration{s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout} {
		assert.NotZero(t, d)
	}
	assert.Greater(t, s.WriteTimeout, 25*time.Second, "what the handler may need")
}

func TestReceiverAnswersAtOnePath(t *testing.T) {
	s := session{program: &program{out: &lines{to: newOutput()}}, settings: settings{url: "https://example.com/hook/", secret: testSecret}}
	api := postpresstest.NewServer()
	defer api.Close()
	r, err := s.newReceiver(api.Client(), nil)
	require.NoError(t, err)
	for path, want := range map[string]int{"/hook/": 401, "/hook": 404, "/hook/x": 404, "/": 404} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		assert.Equal(t, want, w.Code, path)
	}
}
