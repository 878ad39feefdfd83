package postpress

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"runtime"
	"strings"

	"github.com/postpress-ai/postpress-go/internal/transport"
)

// Version is the version of this module, as sent in the User-Agent header.
const Version = "0.1.0"

// DefaultBaseURL is the address of the API (documented by the API).
const DefaultBaseURL = "https://api.postpress.ai/v1"

// Client calls the postpress API. Make one with New and share it: it is safe
// for concurrent use, and its waits share their requests. The zero value is not usable.
type Client struct {
	wire     *transport.Transport
	base     string  // for messages
	origin   string  // scheme and host
	mask     *masker // a pointer, so that no print of a Client reaches the key
	watchers *watchers
	links    *links
}

// New makes a client. The API key comes from the postpress dashboard:
// pp_live_… for real accounts, pp_test_… for sandboxed traffic. A bad key or
// option is reported here as an *ArgumentError, before any request.
func New(apiKey string, opts ...Option) (*Client, error) {
	cfg := defaultConfig()
	for _, opt := range opts {
		if opt != nil {
			opt(cfg)
		}
	}
	if err := checkAPIKey("apiKey", apiKey); err != nil {
		return nil, err
	}
	base, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	c := &Client{origin: base.Scheme + "://" + base.Host, mask: &masker{apiKey: apiKey}, links: &links{}}
	c.base = c.origin + base.EscapedPath()
	c.wire = transport.New(transport.Config{
		Base:         base,
		APIKey:       apiKey,
		UserAgent:    userAgent(cfg.application),
		HTTPClient:   cfg.httpClient,
		Timeout:      cfg.attemptTimeout(),
		MaxBodyBytes: cfg.maxBodyBytes,
		Retry:        cfg.retry.withDefaults(),
		Logger:       cfg.logger,
	})
	c.watchers = newWatchers(c, cfg.pollRate, cfg.bus)
	return c, nil
}

// NewFromEnv makes a client from POSTPRESS_API_KEY and, where it is set,
// POSTPRESS_BASE_URL. Options come last and win. It is the only place where
// this package reads the environment.
func NewFromEnv(opts ...Option) (*Client, error) {
	key := os.Getenv("POSTPRESS_API_KEY")
	if err := checkAPIKey("POSTPRESS_API_KEY", key); err != nil {
		return nil, err
	}
	fromEnv := func(c *config) {
		if base := os.Getenv("POSTPRESS_BASE_URL"); base != "" {
			c.baseURL, c.baseFrom = base, "POSTPRESS_BASE_URL"
		}
	}
	return New(key, append([]Option{fromEnv}, opts...)...)
}

// Close closes the idle connections this client opened. Calls and waits that
// run go on, and the client stays usable: its next call opens a new connection.
func (c *Client) Close() { c.wire.CloseIdle() }

// Format implements fmt.Formatter: a client prints its base
// URL, without the query, and nothing else.
func (c Client) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "postpress.Client("+c.base+")")
}

// Do sends any request of the API, for what this package does not wrap: with
// the client's authentication, retries, bounds and errors. The path is relative
// to the base URL, starts with a slash, is escaped, and may have a query. Ids
// in it are yours to escape, with url.PathEscape:
//
//	var raw json.RawMessage
//	err := client.Do(ctx, "GET", "/chats?limit=10", nil, &raw)
//
// in is sent as JSON unless it is nil; a 2xx answer is decoded into out, a
// pointer, as JSON unless that is nil or the answer is 204 No Content (a
// *json.RawMessage takes the body as it is). In errors and logs every segment of
// the path that is not plainly a word stands as {id}. POST
// and PATCH carry an idempotency key, the same for every attempt, so they are
// retried like GET and DELETE; other methods only where nothing was sent.
//
// Errors are *ArgumentError before any I/O, *APIError for an answer that is no
// success, *RequestError where there was no answer.
func (c *Client) Do(ctx context.Context, method, path string, in, out any, opts ...RequestOption) error {
	op, query, err := parsePath(method, path)
	if err != nil {
		return err
	}
	if v := reflect.ValueOf(out); out != nil && (v.Kind() != reflect.Pointer || v.IsNil()) {
		return &ArgumentError{"out", "must be nil or a pointer to decode the answer into"}
	}
	return c.send(ctx, op, query, in, out, opts)
}

// operation is one kind of call: its method, its path, and the same path
// without ids, for errors and logs.
type operation struct{ method, path, template string }

// at fills the id into the template, refusing one that would leave its place in the path.
func (op operation) at(id string) (operation, error) {
	if err := checkID("accountID", id); err != nil {
		return op, err
	}
	before, after, _ := strings.Cut(op.template, "{id}")
	op.path = before + url.PathEscape(id) + after
	return op, nil
}

// send is the way of every call: options and body in, transport, errors and decoding out.
func (c *Client) send(ctx context.Context, op operation, query string, in, out any, opts []RequestOption) error {
	req := request{Method: op.method, Path: op.path, Template: op.template, Query: query}
	if err := applyRequestOptions(&req, opts); err != nil {
		return err
	}
	body, err := encode(in)
	if err != nil {
		return err
	}
	req.Body = body
	if req.IdempotencyKey == "" && (op.method == http.MethodPost || op.method == http.MethodPatch) {
		req.IdempotencyKey = rand.Text()
	}
	return c.exchange(ctx, &req, out)
}

func (c *Client) exchange(ctx context.Context, req *request, out any) error {
	resp, err := c.wire.Do(ctx, req)
	if err != nil {
		return c.requestError(req, err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.apiError(req, resp)
	}
	if err := decode(resp, out); err != nil {
		return c.unreadable(req, resp, err)
	}
	return nil
}

func userAgent(application string) string {
	ua := fmt.Sprintf("postpress-go/%s (%s; %s/%s)", Version, goVersion(runtime.Version()), runtime.GOOS, runtime.GOARCH)
	if application != "" {
		ua += " " + application
	}
	return ua
}

// goVersion leaves out what a development build writes around the version.
func goVersion(v string) string {
	for word := range strings.FieldsSeq(v) {
		if strings.HasPrefix(word, "go1") {
			return word
		}
	}
	return "go"
}
