// Package transport is the one way from the client to the wire. It sends a
// request, reads the whole answer into bounded memory, and repeats what is
// safe to repeat. go-retryablehttp runs the loop; every decision (whether,
// when, how often) is made here, because only here the method, the
// idempotency key, the body of the answer and the caller's deadline are known.
package transport

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// Config is what a Transport needs. All fields but HTTPClient and Logger are
// required; the root package validates them and fills in the defaults.
type Config struct {
	Base         *url.URL
	APIKey       string
	UserAgent    string
	HTTPClient   *http.Client // nil: a tuned one
	Timeout      time.Duration
	MaxBodyBytes int64
	Retry        Policy
	Logger       *slog.Logger // nil: silent
}

// Transport is safe for concurrent use.
type Transport struct {
	cfg    Config
	header http.Header // sent with every request; handed out to net/http alone, which does not change it
	plain  bool        // nobody else gets the requests
	base   string      // escaped path of the base URL, without a trailing slash
	calls  http.RoundTripper
	waits  http.RoundTripper
	owned  []*http.Transport
	jar    http.CookieJar
	budget budget
}

// Request is one logical call.
type Request struct {
	Method string
	// Path is relative to the base URL, escaped, and starts with a slash.
	// Template is the same without ids, for logs and errors.
	Path, Template string
	Query          string // encoded
	Body           []byte // JSON; nil sends none
	Header         http.Header
	IdempotencyKey string
	// Wait marks a look at a pending account: it may be held open by the
	// server, so it has a pool of its own, Timeout instead of the configured
	// one, a single attempt, and takes nothing from the retry budget.
	Wait    bool
	Timeout time.Duration
}

// Response is an answer of any status, read to its end.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte
	Attempts   int
	// Unsure is true when a request that changes something ended in an answer
	// that does not tell whether it was carried out.
	Unsure bool
}

// New makes a Transport from a validated configuration.
func New(cfg Config) *Transport {
	t := &Transport{cfg: cfg, base: trimSlash(cfg.Base.EscapedPath()), budget: newBudget()}
	t.header = http.Header{
		"Accept":     {"application/json"},
		"User-Agent": {cfg.UserAgent},
		// Direct assignment: the canonical form is X-Api-Key, HTTP field names
		// are case-insensitive (RFC 9110 §5.1).
		"X-Api-Key": {cfg.APIKey},
	}
	t.choosePools(cfg.HTTPClient)
	_, netHTTP := t.calls.(*http.Transport)
	t.plain = netHTTP && t.jar == nil // a jar's cookies go into the headers
	return t
}

func trimSlash(p string) string {
	for len(p) > 0 && p[len(p)-1] == '/' {
		p = p[:len(p)-1]
	}
	return p
}

// CloseIdle closes idle connections of the pools this Transport made itself.
func (t *Transport) CloseIdle() {
	for _, p := range t.owned {
		p.CloseIdleConnections()
	}
}

// Do sends the request until there is an answer worth returning. An answer of
// any status is a Response; no answer at all is a *Failure.
func (t *Transport) Do(ctx context.Context, r *Request) (*Response, error) {
	c := &call{t: t, req: r}
	if err := c.prepare(ctx); err != nil {
		return nil, &Failure{Kind: Refused, Err: err}
	}
	if ctx.Err() != nil { // nothing was sent, so nothing is unsure
		return nil, &Failure{Kind: Ended, Err: ended(ctx, ctx.Err())}
	}
	resp, err := c.loop.Do(&c.wire)
	if resp != nil && err == nil {
		// The answer stands, even where ctx ended as it arrived.
		c.settle()
		c.answer.Attempts = c.attempts
		return &c.answer, nil
	}
	return nil, c.failure(ctx, err)
}
