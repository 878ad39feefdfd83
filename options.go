package postpress

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/postpress-ai/postpress-go/internal/transport"
	"github.com/postpress-ai/postpress-go/statusbus"
)

// Option changes a client at its construction. A bad value is reported by New.
type Option func(*config)

type config struct {
	baseURL      string
	baseFrom     string // who set it, for errors
	insecure     bool
	httpClient   *http.Client
	noHTTPClient bool // WithHTTPClient(nil)
	retry        RetryPolicy
	timeout      *time.Duration
	maxBodyBytes int64
	application  string
	logger       *slog.Logger
	pollRate     float64
	bus          statusbus.Bus
}

const (
	defaultTimeout      = 30 * time.Second
	defaultMaxBodyBytes = 10 << 20
	defaultPollRate     = 20
)

func defaultConfig() *config {
	return &config{baseURL: DefaultBaseURL, baseFrom: "WithBaseURL", maxBodyBytes: defaultMaxBodyBytes, pollRate: defaultPollRate}
}

// WithBaseURL sets the address of the API; the default is DefaultBaseURL. A
// path is a prefix of every request, a trailing slash does not matter, and a
// query such as ?port=13443 is sent with every request. It must be https
// unless the host is loopback; see WithInsecureHTTP.
func WithBaseURL(baseURL string) Option {
	return func(c *config) { c.baseURL, c.baseFrom = baseURL, "WithBaseURL" }
}

// WithInsecureHTTP allows a base URL that begins with http:// for a host
// that is not loopback. The API key then crosses the network in the clear.
func WithInsecureHTTP() Option {
	return func(c *config) { c.insecure = true }
}

// WithHTTPClient sets the HTTP client whose transport, cookie jar and time-out
// are used. It is copied, never changed. Its CheckRedirect is not used:
// redirects are never followed, since they would carry the API key to another
// host. Its Timeout becomes that of one attempt, unless WithTimeout is given.
// The default has a connection pool tuned for one busy host; it is also used
// for a client without a transport. A http.DefaultTransport that your program
// has replaced by something else than an *http.Transport, to trace or to mock,
// is used instead of it. With a transport
// that is an *http.Transport, WaitForConnection uses a clone of it, so that
// requests held open by the server take no connection from ordinary calls.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) { c.httpClient, c.noHTTPClient = client, client == nil }
}

// WithTimeout bounds one attempt, from dialling to the last byte of the
// answer; the default is 30 s. Zero means no bound but the context's, less is refused. The
// whole call is bounded by its context alone.
func WithTimeout(d time.Duration) Option {
	return func(c *config) { c.timeout = &d }
}

// WithRetryPolicy sets how often and how slowly calls are repeated. What is
// repeated at all is not up for choice: see RetryPolicy. Negative values are refused.
func WithRetryPolicy(p RetryPolicy) Option {
	return func(c *config) { c.retry = p }
}

// WithMaxResponseBytes bounds the body of one answer after decompression; the
// default is 10 MiB. A larger answer is an error that matches ErrResponseTooLarge.
// Headers are bounded by MaxResponseHeaderBytes of the *http.Transport, see
// WithHTTPClient: 1 MiB by default.
func WithMaxResponseBytes(n int64) Option {
	return func(c *config) { c.maxBodyBytes = n }
}

// WithApplication adds the name and version of your program to the User-Agent
// header, as name/version. The version may be empty.
func WithApplication(name, version string) Option {
	return func(c *config) {
		c.application = name
		if version != "" {
			c.application += "/" + version
		}
	}
}

// WithLogger makes the client write one debug record per attempt: method, path
// without ids, status, attempt, duration, and the delay before the next one.
// Keys, bodies, headers, ids and phone numbers are never logged. Nil, the
// default, is silent and costs nothing.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) { c.logger = l }
}

// WithPollRate bounds how many requests per second all the waits of this
// client send together when nothing wakes them; the default is 20, and it must be
// above 0 and at most 1000. The API's
// rate limit is per key and its numbers are not published: with many replicas,
// divide what you are willing to spend by their number.
func WithPollRate(perSecond float64) Option {
	return func(c *config) { c.pollRate = perSecond }
}

// WithStatusBus lets WaitForConnection and Link be woken by a bus: they look at
// an account when somebody, such as a webhook handler with the same bus, hints
// at it, and besides only every now and then, since a webhook can be lost:
// after 15 s at first, and up to five minutes apart (the greatest interval of
// WithPollInterval, and twenty times that). What they return is what they have
// read, never what a hint says. Looks for hints do not count against
// WithPollRate, up to 128 at a time. The bus is not closed by the client; nil,
// the default, and a bus that is closed mean polling alone.
func WithStatusBus(bus statusbus.Bus) Option {
	return func(c *config) { c.bus = bus }
}

// RetryPolicy says how often and how slowly a call is repeated. A zero field
// stands for its default, so RetryPolicy{MaxAttempts: 1} just turns retries off.
//
// Repeated are: connections that could not be made, 429, and 503 with no
// handler or no channel, for every method; lost connections, attempts that
// timed out, 408, 502, 504, other 503, and once 500 with unexpected_error or
// provider_error, for GET, DELETE and whatever has an idempotency key, which is
// every POST and PATCH. Never repeated are other 4xx, other 500, 501, and redirects. A
// retry budget shared by all calls of the client stops repetition in an outage.
type RetryPolicy struct {
	// MaxAttempts counts the first attempt too. Default 3; 1 never repeats.
	MaxAttempts int
	// BaseDelay bounds the random delay before the first retry; it doubles
	// with each retry. 50 ms come on top. Default 200 ms.
	BaseDelay time.Duration
	// MaxDelay bounds the random delay. Default 5 s.
	MaxDelay time.Duration
	// MaxRetryAfter is the longest Retry-After that is waited for. When the
	// server asks for more, its answer is returned at once with the value in
	// APIError.RetryAfter. Default 30 s.
	MaxRetryAfter time.Duration
}

func (p RetryPolicy) withDefaults() transport.Policy {
	return transport.Policy{
		MaxAttempts:   orDefault(p.MaxAttempts, 3),
		BaseDelay:     orDefault(p.BaseDelay, 200*time.Millisecond),
		MaxDelay:      orDefault(p.MaxDelay, 5*time.Second),
		MaxRetryAfter: orDefault(p.MaxRetryAfter, 30*time.Second),
	}
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

func (c *config) attemptTimeout() time.Duration {
	switch {
	case c.timeout != nil:
		return *c.timeout
	case c.httpClient != nil && c.httpClient.Timeout > 0:
		return c.httpClient.Timeout
	}
	return defaultTimeout
}

func (c *config) validate() (*url.URL, error) {
	p := c.retry
	switch {
	case c.noHTTPClient:
		return nil, &ArgumentError{"WithHTTPClient", "must not be nil; leave the option out for the default"}
	case c.timeout != nil && *c.timeout < 0:
		return nil, &ArgumentError{"WithTimeout", "must not be negative; 0 means none"}
	case c.maxBodyBytes <= 0:
		return nil, &ArgumentError{"WithMaxResponseBytes", "must be positive"}
	case p.MaxAttempts < 0 || p.BaseDelay < 0 || p.MaxDelay < 0 || p.MaxRetryAfter < 0:
		return nil, &ArgumentError{"WithRetryPolicy", "no field may be negative; 0 means its default"}
	case !(c.pollRate > 0 && c.pollRate <= 1000):
		return nil, &ArgumentError{"WithPollRate", "must be above 0 and at most 1000 requests per second"}
	case isNilPointer(c.bus):
		return nil, &ArgumentError{"WithStatusBus", "must not hold a nil pointer; nil itself means polling alone"}
	case !printable(c.application) || strings.HasPrefix(c.application, "/"):
		return nil, &ArgumentError{"WithApplication", "must be a name and perhaps a version, both printable ASCII"}
	}
	return c.parseBaseURL()
}

func (c *config) parseBaseURL() (*url.URL, error) {
	bad := func(problem string) (*url.URL, error) {
		return nil, &ArgumentError{c.baseFrom, problem + ", such as " + DefaultBaseURL}
	}
	u, err := url.Parse(c.baseURL)
	switch {
	case err != nil || strings.Contains(c.baseURL, " "):
		return bad("must be a URL") // the parser's text would repeat what may hold a password
	case u.Scheme != "http" && u.Scheme != "https":
		return bad("must begin with https://")
	case u.Hostname() == "":
		return bad("must name a host")
	case u.User != nil:
		return bad("must not hold a user or password")
	case u.Fragment != "":
		return bad("must not have a #fragment")
	case u.Scheme == "http" && !c.insecure && !isLoopback(u.Hostname()):
		return bad("must begin with https:// unless the host is loopback or WithInsecureHTTP is given")
	}
	return u, nil
}

// isNilPointer knows the nil that is not equal to nil.
func isNilPointer(v any) bool {
	p := reflect.ValueOf(v)
	return p.Kind() == reflect.Pointer && p.IsNil()
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func checkAPIKey(field, key string) error {
	switch {
	case key == "":
		return &ArgumentError{field, "must not be empty: set it to an API key from the postpress dashboard"}
	case !printable(key) || strings.Contains(key, " "):
		return &ArgumentError{field, "must be printable ASCII without spaces or line breaks"}
	}
	return nil
}

// printable holds for text that can be sent as the value of a header.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
