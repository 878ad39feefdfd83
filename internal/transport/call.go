package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// call is one logical call: the loop, its hooks and its state in one
// allocation. It is the RoundTripper of its own http.Client, so that each
// attempt knows what it is part of without a detour through the context.
type call struct {
	t    *Transport
	req  *Request
	loop retryablehttp.Client
	http http.Client
	wire retryablehttp.Request
	url  url.URL
	key  [1]string // the value of the header Idempotency-Key

	attempts int
	started  time.Time     // of the current attempt
	delay    time.Duration // before the next attempt; 0 where there is none
	spent    int           // taken from the retry budget by this call
	unsure   bool          // an attempt may have been carried out, and no later one succeeded
	answer   Response
	answered bool // answer holds the latest answer of any attempt
	body     bufferedBody
	verdict  verdict // on the latest attempt
}

func (c *call) prepare(ctx context.Context) error {
	c.url = *c.t.cfg.Base
	if err := c.setPath(); err != nil {
		return err
	}
	c.url.RawQuery = joinQuery(c.t.cfg.Base.RawQuery, c.req.Query)
	c.http = http.Client{Transport: c, Jar: c.t.jar, CheckRedirect: refuseRedirect}
	c.loop = retryablehttp.Client{
		HTTPClient:   &c.http,
		RetryMax:     c.maxAttempts() - 1,
		CheckRetry:   c.checkRetry,
		Backoff:      leastWait,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	if c.t.jar != nil {
		c.loop.PrepareRetry = c.renewHeaders
	}
	hr := http.Request{
		Method: c.req.Method, URL: &c.url, Host: c.url.Host, Header: c.headers(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	c.wire.Request = hr.WithContext(ctx)
	if c.req.Body == nil {
		return nil
	}
	return c.wire.SetBody(c.req.Body)
}

func (c *call) setPath() error {
	escaped := c.t.base + c.req.Path
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return err
	}
	c.url.Path, c.url.RawPath = path, ""
	if path != escaped {
		c.url.RawPath = escaped
	}
	return nil
}

func (c *call) headers() http.Header {
	if c.t.plain && c.req.Body == nil && c.req.IdempotencyKey == "" && len(c.req.Header) == 0 {
		return c.t.header
	}
	h := make(http.Header, len(c.t.header)+2+len(c.req.Header))
	maps.Copy(h, c.t.header)
	if c.req.Body != nil {
		h["Content-Type"] = c.t.header["Accept"] // JSON both ways
	}
	if c.req.IdempotencyKey != "" {
		c.key[0] = c.req.IdempotencyKey
		h["Idempotency-Key"] = c.key[:]
	}
	maps.Copy(h, c.req.Header)
	return h
}

// renewHeaders gives a retry headers of its own: http.Client adds the jar's
// cookies to the ones it is given, and the attempt before may still be writing.
func (c *call) renewHeaders(r *http.Request) error {
	r.Header = c.headers()
	return nil
}

func (c *call) maxAttempts() int {
	if c.req.Wait {
		return 1
	}
	return c.t.cfg.Retry.MaxAttempts
}

func joinQuery(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "&" + b
}

// refuseRedirect keeps the key at home: net/http strips Authorization when a
// redirect leaves the host, but neither X-API-KEY nor a replayed body.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// checkRetry is called by the loop after each attempt. It never returns an
// error: the loop would put it in the place of the API's own answer.
func (c *call) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	c.judge(ctx, resp, err)
	retry := c.wantsRetry(ctx)
	c.log(ctx, retry)
	return retry, nil
}

func (c *call) judge(ctx context.Context, resp *http.Response, err error) {
	if err != nil {
		c.verdict = judgeError(ctx, err)
	} else {
		c.judgeResponse(resp)
	}
	// A doubt outlives the attempt that raised it: that the third one could not
	// connect, or met a rate limit, says nothing about the first.
	c.unsure = !c.verdict.ok && (c.unsure || c.verdict.unsure && changes(c.req.Method))
	c.answer.Unsure = c.unsure
}

func (c *call) judgeResponse(resp *http.Response) {
	c.answered = true
	c.answer = Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: c.body.data}
	c.verdict = judgeAnswer(resp.StatusCode, c.body.data)
	if c.wire.Method == http.MethodDelete && resp.StatusCode == http.StatusNotFound && c.attempts > 1 {
		// The first attempt deleted it; its answer was lost.
		c.answer = Response{StatusCode: http.StatusNoContent, Header: resp.Header}
		c.verdict = verdict{ok: true}
	}
}

// wantsRetry decides, sets the delay, and pays for the retry.
func (c *call) wantsRetry(ctx context.Context) bool {
	c.delay = 0
	v := c.verdict
	if !v.allows(c.repeatable(), c.attempts) || c.attempts >= c.maxAttempts() || ctx.Err() != nil {
		return false
	}
	delay, ok := c.t.cfg.Retry.delay(c.attempts-1, c.retryAfter())
	if !ok {
		return false
	}
	// A sleep past the deadline would only lose the answer we already have.
	if deadline, has := ctx.Deadline(); has && time.Until(deadline) <= delay {
		return false
	}
	if !c.t.budget.take(v.cost) {
		return false
	}
	c.spent += v.cost
	c.delay, c.loop.RetryWaitMin = delay, delay
	return true
}

// leastWait is the Backoff of every loop: it waits RetryWaitMin, as wantsRetry has set it.
func leastWait(least, _ time.Duration, _ int, _ *http.Response) time.Duration { return least }

// repeatable tells whether sending the request twice does what sending it once does.
func (c *call) repeatable() bool {
	switch c.req.Method {
	case http.MethodGet, http.MethodHead, http.MethodDelete:
		return true
	}
	return c.req.IdempotencyKey != ""
}

func changes(method string) bool { return method != http.MethodGet && method != http.MethodHead }

func (c *call) retryAfter() time.Duration {
	if c.verdict.err != nil || !c.answered {
		return 0
	}
	return RetryAfter(c.answer.Header, time.Now())
}

// settle squares the budget with the outcome of the whole call.
func (c *call) settle() {
	if !c.verdict.ok || c.req.Wait {
		return
	}
	if c.attempts == 1 {
		c.t.budget.give(firstTryReward)
		return
	}
	c.t.budget.give(c.spent)
}

func (c *call) log(ctx context.Context, retry bool) {
	l := c.t.cfg.Logger
	if l == nil || !l.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := make([]slog.Attr, 0, 7)
	attrs = append(attrs,
		slog.String("method", c.req.Method),
		slog.String("path", c.req.Template),
		slog.Int("attempt", c.attempts),
		slog.Duration("duration", time.Since(c.started)))
	if c.verdict.err != nil {
		attrs = append(attrs, slog.String("error", c.verdict.kind.String()))
	} else {
		attrs = append(attrs, slog.Int("status", c.answer.StatusCode))
	}
	if retry {
		attrs = append(attrs, slog.Duration("delay", c.delay))
	}
	l.LogAttrs(ctx, slog.LevelDebug, "postpress: attempt", attrs...)
}

// failure describes a call that ended without an answer, keeping the last
// answer of an earlier attempt where there was one.
func (c *call) failure(ctx context.Context, err error) *Failure {
	// Its text carries the URL with the query; a RoundTripper that is itself
	// built on an http.Client nests them.
	for ue := (*url.Error)(nil); errors.As(err, &ue); {
		err = ue.Err
	}
	if c.delay > 0 {
		c.t.budget.give(c.verdict.cost) // paid for, but ctx ended before it was sent
	}
	f := &Failure{Kind: c.verdict.kind, Err: err, Attempts: c.attempts, Unsure: c.unsure}
	if ctx.Err() != nil && (f.Kind == Ended || errors.Is(err, ctx.Err())) {
		f.Kind, f.Err = Ended, ended(ctx, err)
	}
	if c.answered {
		c.answer.Attempts = c.attempts
		f.Last = &c.answer
	}
	return f
}

// ended makes err match both the context's error and the cause it was given:
// net/http reports the one or the other, or what the closed connection said.
func ended(ctx context.Context, err error) error {
	for _, want := range []error{context.Cause(ctx), ctx.Err()} {
		if !errors.Is(err, want) {
			err = fmt.Errorf("%w: %w", want, err)
		}
	}
	return err
}
