package linkhttp

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/postpress-ai/postpress-go"
)

// Handler serves linking attempts to browsers; see the package documentation for
// its routes. It is safe for concurrent use. Make one with NewHandler, and end it
// with Shutdown or Close.
type Handler struct {
	cfg     Config
	engine  engine
	sealer  sealer
	store   Store
	shared  bool   // another replica may take attempts over
	name    string // of this Handler, as an owner
	origins *http.CrossOriginProtection

	attempts *registry
	closing  chan struct{} // closed by Shutdown
	ctx      context.Context
	end      context.CancelFunc
	running  sync.WaitGroup // requests, and attempts
}

// NewHandler makes a Handler, or reports what is wrong with the configuration as
// a *postpress.ArgumentError.
func NewHandler(cfg Config) (*Handler, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	h := &Handler{
		cfg: cfg, engine: clientEngine{cfg.Client, cfg.Options}, sealer: newSealer(cfg.Secret),
		store: cfg.Store, shared: cfg.Store != nil, name: rand.Text(),
		origins: http.NewCrossOriginProtection(), attempts: newRegistry(cfg), closing: make(chan struct{}),
	}
	h.cfg.Secret = nil
	if !h.shared {
		h.store = NewMemoryStore()
	}
	for _, origin := range cfg.TrustedOrigins {
		if err := h.origins.AddTrustedOrigin(origin); err != nil {
			return nil, &postpress.ArgumentError{Field: "TrustedOrigins", Problem: "must be origins such as https://app.example.com"}
		}
	}
	h.ctx, h.end = context.WithCancel(context.Background())
	return h, nil
}

// Format implements fmt.Formatter: the name of the type, whatever the verb.
func (h *Handler) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "linkhttp.Handler") }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if p := h.serve(w, r); p != nil {
		p.write(w)
	}
}

// action answers a request of a user about an attempt, or says why not.
type action func(w http.ResponseWriter, r *http.Request, user, id string) *Problem

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) *Problem {
	method, act, id := h.route(r.URL.Path)
	switch {
	case act == nil:
		return problem(http.StatusNotFound, "no_route")
	case r.Method != method:
		w.Header().Set("Allow", method)
		return problem(http.StatusMethodNotAllowed, "method")
	case !h.sameSite(r):
		return problem(http.StatusForbidden, "cross_site")
	}
	user, err := h.cfg.Authorize(r)
	if err != nil || user == "" {
		return problemOf(err, http.StatusUnauthorized, "unauthorized")
	}
	if !h.attempts.enter(&h.running) {
		return &Problem{http.StatusServiceUnavailable, "shutting_down", wordsFor("shutting_down"), retrySoon}
	}
	defer h.running.Done()
	return act(w, r, user, id)
}

// route is by hand: a ServeMux answers what it does not know in its own words, and
// redirects to paths that do not exist under the prefix it is mounted at.
func (h *Handler) route(path string) (method string, act action, id string) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if parts[0] != "links" {
		return "", nil, ""
	}
	switch {
	case len(parts) == 1:
		return http.MethodPost, h.postLink, ""
	case len(parts) == 2:
		return http.MethodDelete, h.deleteLink, parts[1]
	case len(parts) == 3 && parts[2] == "events":
		return http.MethodGet, h.getEvents, parts[1]
	case len(parts) == 3 && parts[2] == "refresh":
		return http.MethodPost, h.postRefresh, parts[1]
	}
	return "", nil, ""
}

// sameSite refuses what the page of another site sends along with the cookies of
// the user. CrossOriginProtection lets every GET pass; here that is a stream,
// which keeps an attempt alive and which no other site has any business with.
func (h *Handler) sameSite(r *http.Request) bool {
	if r.Method == http.MethodGet {
		as := *r
		as.Method = http.MethodPost
		r = &as
	}
	return h.origins.Check(r) == nil
}

// Shutdown ends the handler gracefully: new requests are answered 503, streams end,
// and browsers come back, to another replica where there is one. With a Store,
// attempts are given back, for the others to go on with; without, they are
// cancelled, so that no account is left behind. If ctx ends first, its error is returned.
// Call it before http.Server.Shutdown, which would wait for the streams.
func (h *Handler) Shutdown(ctx context.Context) error {
	if h.attempts.close() {
		close(h.closing)
	}
	idle := make(chan struct{})
	go func() { h.running.Wait(); close(idle) }()
	select {
	case <-idle:
		h.end()
		return nil
	case <-ctx.Done():
		h.end()
		return ctx.Err()
	}
}

// Close ends the handler at once. Without a Store, the accounts of attempts under
// way stay pending. It always returns nil.
func (h *Handler) Close() error {
	h.end()
	return h.Shutdown(context.Background())
}
