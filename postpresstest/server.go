package postpresstest

import (
	"net/http"
	"sync"
	"time"
)

// A Server is a running double. Its methods are safe for concurrent use. Make one
// with [NewServer]; the zero value is not usable.
type Server struct {
	// URL is the root of the double without a path, such as
	// "http://127.0.0.1:34567". The API is served under /v1, under /api/v1 and at
	// the root itself. In a synctest bubble it is a placeholder that only
	// [Server.RoundTripper] and [Server.Client] know. It must not be changed.
	URL string

	cfg       *config
	timers    *timers
	accounts  *store
	webhooks  *webhookStore
	sender    *sender
	routes    []route
	faults    faultList
	log       requestLog
	replays   replays
	limiter   limiter
	requests  *generator
	net       *network
	transport *http.Transport
	closing   sync.Once
	gate      gate
}

// NewServer starts a double, in memory and (outside a synctest bubble) on a free
// loopback port. Like httptest it panics where no loopback port can be had. The
// caller should call [Server.Close] when finished.
func NewServer(opts ...Option) *Server {
	cfg := newConfig(opts)
	ids := newGenerator(cfg.seed, streamIDs)
	s := &Server{
		cfg:      cfg,
		timers:   &timers{},
		routes:   newRoutes(),
		limiter:  limiter{burst: cfg.burst, per: cfg.per},
		requests: newGenerator(cfg.seed, streamRequests),
		gate:     gate{done: make(chan struct{})},
	}
	s.accounts = newStore(cfg, ids, s.timers)
	s.webhooks = &webhookStore{ids: ids}
	s.sender = newSender(cfg, s.timers, s.webhooks)
	s.accounts.onChange = s.sender.changed
	s.net = newNetwork(s.Handler())
	s.URL = s.net.url
	s.transport = newTransport(s.net.mem)
	return s
}

// Handler serves the API under /v1, /api/v1 and at the root, for mounting the
// double on another server. [Server.Close] ends its requests too. Faults that
// break the connection need a ResponseWriter that can be hijacked; on others, as
// in HTTP/2, they abort the request with [http.ErrAbortHandler].
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// RoundTripper reaches the double in memory, whatever scheme and host a request
// names, also an https one. It is one [http.Transport] for all callers, with as
// many idle connections as they leave, and works under testing/synctest.
func (s *Server) RoundTripper() http.RoundTripper { return s.transport }

func newTransport(l *memListener) *http.Transport {
	return &http.Transport{
		DialContext:         l.dial,
		DialTLSContext:      l.dial, // no encryption in memory: https is plain as well
		MaxIdleConnsPerHost: 1 << 16,
		IdleConnTimeout:     90 * time.Second,
	}
}

// Close ends the double: held requests are released with 503, timers are stopped,
// webhooks being delivered are waited for and those that are due later never sent,
// connections are closed, and every goroutine it started has ended when it returns.
// Further requests fail. Closing twice is harmless.
func (s *Server) Close() {
	s.closing.Do(func() {
		s.gate.close()
		s.sender.stop()
		s.timers.close()
		s.sender.close()
		s.transport.CloseIdleConnections()
		s.net.close()
		s.gate.wait()
		s.transport.CloseIdleConnections()
	})
}

// A gate counts the requests inside and can be closed for new ones.
type gate struct {
	mu     sync.Mutex
	shut   bool
	done   chan struct{} // closed with the gate
	inside sync.WaitGroup
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.inside.Add(1)
	}
	return !g.shut
}

func (g *gate) leave() { g.inside.Done() }

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
	close(g.done)
}

func (g *gate) wait() { g.inside.Wait() }
