package browsertest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// A proxy in between loses its backend for a while: the page says so, comes back by
// itself, and nothing was lost.
func TestConnectionLost(t *testing.T) {
	backend, err := url.Parse(serve(t, "-connect-delay", "0s"))
	if err != nil {
		t.Fatal(err)
	}
	var down atomic.Bool
	forward := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(backend); r.Out.Host = r.In.Host }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			http.Error(w, "bad gateway", http.StatusBadGateway)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { proxy.CloseClientConnections(); proxy.Close() })

	b := open(t, proxy.URL, desktop)
	b.start("qr")
	b.view("qr")
	before := b.scan()
	down.Store(true)
	proxy.CloseClientConnections()
	b.until(`!document.getElementById('offline').hidden`)
	b.picture("connection-lost")
	if b.scan() != before {
		t.Error("the code works all the same, and is not shown any more")
	}
	down.Store(false)
	b.until(`document.getElementById('offline').hidden`)
	b.click("[data-act=scan]")
	b.view("connected")
}
