package routertest

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

const (
	secret = "a secret of the tests"
	event  = `{"AccountStatus":{"account_id":"acc_1","account_type":"WHATSAPP","message":"OK"}}`
)

func init() { gin.SetMode(gin.ReleaseMode) }

// mounts are the ways to the handler, all at /postpress, behind the usual middleware.
var mounts = map[string]func(http.Handler) http.Handler{
	"net/http": func(h http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/postpress", h)
		return mux
	},
	"chi Handle": func(h http.Handler) http.Handler {
		r := newChi()
		r.Handle("/postpress", h)
		return r
	},
	"chi Post": func(h http.Handler) http.Handler {
		r := newChi()
		r.Post("/postpress", h.ServeHTTP)
		return r
	},
	"chi Mount": func(h http.Handler) http.Handler {
		r := newChi()
		r.Mount("/postpress", h)
		return r
	},
	"gin Any": func(h http.Handler) http.Handler {
		r := newGin()
		r.Any("/postpress", gin.WrapH(h))
		return r
	},
	"gin POST": func(h http.Handler) http.Handler {
		r := newGin()
		r.HandleMethodNotAllowed = true // otherwise it answers 404 to GET
		r.POST("/postpress", gin.WrapH(h))
		return r
	},
}

func newChi() *chi.Mux {
	r := chi.NewRouter()
	logger := middleware.RequestLogger(&middleware.DefaultLogFormatter{Logger: silent{}, NoColor: true}) // it wraps the ResponseWriter
	r.Use(middleware.RequestID, logger, middleware.Recoverer, middleware.Compress(5), middleware.Timeout(time.Minute))
	return r
}

type silent struct{}

func (silent) Print(...any) {}

func newGin() *gin.Engine {
	r := gin.New()
	r.Use(gin.LoggerWithWriter(io.Discard), gin.Recovery())
	return r
}

func newHandler(t *testing.T, change ...func(*postpress.WebhookConfig)) (h *postpress.WebhookHandler, told *atomic.Int64) {
	t.Helper()
	told = new(atomic.Int64)
	cfg := postpress.WebhookConfig{Secrets: []string{secret}, OnEvent: func(context.Context, *postpress.WebhookEvent) error {
		told.Add(1)
		return nil
	}}
	for _, c := range change {
		c(&cfg)
	}
	h, err := postpress.NewWebhookHandler(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h, told
}

func TestWebhookHandlerUnderRouters(t *testing.T) {
	for name, mount := range mounts {
		t.Run(name, func(t *testing.T) {
			h, told := newHandler(t)
			postpresstest.CheckWebhookHandler(t, mount(h), secret, postpresstest.WithCheckPath("/postpress"),
				postpresstest.WithCallbackCount(func() int { return int(told.Load()) }))
		})
	}
}

// Over a socket: the answers, and the deadlines, which go through what the
// middleware has wrapped.
func TestWebhookHandlerUnderRoutersOverASocket(t *testing.T) {
	for name, mount := range mounts {
		t.Run(name, func(t *testing.T) {
			h, told := newHandler(t, func(c *postpress.WebhookConfig) { c.ReadTimeout = 20 * time.Millisecond })
			server := httptest.NewServer(mount(h))
			defer server.Close()
			assert.Equal(t, 200, post(t, server.URL+"/postpress", secret))
			assert.EqualValues(t, 1, told.Load())
			assert.Equal(t, 401, post(t, server.URL+"/postpress", "another secret of 16"))
			assert.Equal(t, 401, stalled(t, server.URL, ""), "before the body")
			assert.Equal(t, 408, stalled(t, server.URL, secret), "ReadTimeout")
			assert.EqualValues(t, 1, told.Load())
		})
	}
}

func post(t *testing.T, url, secret string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(event))
	require.NoError(t, err)
	r.Header.Set(postpress.DefaultWebhookHeader, secret)
	resp, err := http.DefaultTransport.RoundTrip(r) // like the API, it follows no redirect
	require.NoError(t, err)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// stalled sends the head of a request and one byte of its body.
func stalled(t *testing.T, url, secret string) int {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second))) // only a failing test gets there
	head := "POST /postpress HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
	if secret != "" {
		head += postpress.DefaultWebhookHeader + ": " + secret + "\r\n"
	}
	_, err = io.WriteString(conn, head+"\r\n{")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	return resp.StatusCode
}

// A slash more or less is another path, and a redirect or a 404 loses every event.
// This is why the documentation says: exactly the path the webhook was created with.
func TestRoutersAndTrailingSlashes(t *testing.T) {
	const redirect = 300 // or more: 301 or 307, as the router and its version like
	slash := map[string]func(http.Handler) http.Handler{
		"net/http": func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/postpress/", h)
			return mux
		},
		"chi Post": func(h http.Handler) http.Handler {
			r := newChi()
			r.Post("/postpress/", h.ServeHTTP)
			return r
		},
		"gin POST": func(h http.Handler) http.Handler {
			r := newGin()
			r.POST("/postpress/", gin.WrapH(h))
			return r
		},
	}
	for _, row := range []struct {
		router string
		mount  func(http.Handler) http.Handler
		path   string
		want   int
	}{
		{"net/http", mounts["net/http"], "/postpress/", 404},
		{"net/http", mounts["net/http"], "//postpress", redirect},
		{"net/http", slash["net/http"], "/postpress", redirect},
		{"chi", mounts["chi Post"], "/postpress/", 404},
		{"chi", mounts["chi Post"], "//postpress", 404},
		{"chi", slash["chi Post"], "/postpress", 404},
		{"chi", mounts["chi Mount"], "/postpress/", 200},
		{"gin", mounts["gin POST"], "/postpress/", redirect},
		{"gin", mounts["gin POST"], "//postpress", 404},
		{"gin", slash["gin POST"], "/postpress", redirect},
	} {
		h, told := newHandler(t)
		server := httptest.NewServer(row.mount(h))
		got := post(t, server.URL+row.path, secret)
		if got/100 == 3 {
			got = redirect
		}
		assert.Equal(t, row.want, got, "%s: %s", row.router, row.path)
		assert.Equal(t, row.want == 200, told.Load() == 1)
		server.Close()
	}
}
