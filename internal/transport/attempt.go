package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// RoundTrip is one attempt, from the request to the last byte of the answer.
// Body and headers come under one time-out, and a body that is cut short is a
// failed attempt that can be repeated, not a surprise after the loop has ended.
func (c *call) RoundTrip(req *http.Request) (*http.Response, error) {
	c.attempts++
	c.started = time.Now()
	pool, timeout := c.t.calls, c.t.cfg.Timeout
	if c.req.Wait {
		pool, timeout = c.t.waits, c.req.Timeout
	}
	if timeout <= 0 {
		return c.exchange(pool, req)
	}
	ctx, cancel := context.WithTimeoutCause(req.Context(), timeout, ErrAttemptTimeout)
	defer cancel()
	resp, err := c.exchange(pool, req.WithContext(ctx))
	if err != nil && req.Context().Err() == nil && ctx.Err() != nil {
		return nil, ErrAttemptTimeout
	}
	return resp, err
}

func (c *call) exchange(pool http.RoundTripper, req *http.Request) (*http.Response, error) {
	resp, err := pool.RoundTrip(req)
	if err != nil || resp == nil {
		return nil, err
	}
	data, err := c.read(resp)
	if err != nil {
		return nil, err
	}
	dropBadLocation(resp)
	c.body = bufferedBody{data: data}
	resp.Body = &c.body
	return resp, nil
}

func (c *call) read(resp *http.Response) ([]byte, error) {
	if resp.Body == nil {
		return nil, nil // net/http always sets one, doubles do not
	}
	// Closing returns an HTTP/1.1 connection to the pool only when the body
	// was read to its end; otherwise it is dropped at once, never drained.
	defer resp.Body.Close()
	announced := resp.ContentLength
	if c.req.Method == http.MethodHead {
		announced = 0 // it tells the length of what is not sent
	}
	return readAll(resp.Body, announced, c.t.cfg.MaxBodyBytes)
}

// dropBadLocation: http.Client parses the target of a redirect before it asks
// whether to follow it, and would replace the answer by a parser's error.
func dropBadLocation(resp *http.Response) {
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return
	}
	if _, err := url.Parse(resp.Header.Get("Location")); err != nil {
		resp.Header = resp.Header.Clone() // it may be shared
		resp.Header.Del("Location")
	}
}

// ErrBodyTooLarge and ErrAttemptTimeout are the two failures that are ours.
var (
	ErrBodyTooLarge         = errors.New("the answer is larger than the limit")
	ErrAttemptTimeout error = attemptTimeout{}
)

type attemptTimeout struct{}

func (attemptTimeout) Error() string { return "no complete answer within the time-out of one attempt" }
func (attemptTimeout) Timeout() bool { return true }

// Most answers have no more than this; larger ones grow the buffer as they
// arrive, so that a length announced but never sent costs nothing.
const firstRead = 64 << 10

func readAll(r io.Reader, announced, limit int64) ([]byte, error) {
	if announced > limit {
		return nil, ErrBodyTooLarge
	}
	size := int64(2048)
	if announced >= 0 {
		size = min(announced, firstRead) + 1 // one more, to see the end without growing
	}
	buf := make([]byte, 0, size)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return nil, ErrBodyTooLarge
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return nil, err
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// bufferedBody gives the loop and net/http an answer that is already in memory.
type bufferedBody struct {
	data []byte
	off  int
}

func (b *bufferedBody) Read(p []byte) (int, error) {
	if b.off >= len(b.data) {
		return 0, io.EOF
	}
	n := copy(p, b.data[b.off:])
	b.off += n
	return n, nil
}

func (b *bufferedBody) Close() error { return nil }

// choosePools sets up the two lanes. Looks at pending accounts may occupy
// their connections for half a minute each; in a pool of their own they never
// make an ordinary call wait for one.
func (t *Transport) choosePools(c *http.Client) {
	if c == nil {
		c = &http.Client{}
	}
	t.jar = c.Jar
	switch rt := c.Transport.(type) {
	case nil:
		// As with any http.Client, nil means http.DefaultTransport; but its two
		// idle connections per host are too few, so a tuned one stands in,
		// unless a program (or httpmock) has put something else there.
		if _, plain := http.DefaultTransport.(*http.Transport); plain {
			t.calls, t.waits = t.own(tuned()), t.own(tuned())
			return
		}
		t.calls, t.waits = http.DefaultTransport, http.DefaultTransport
	case *http.Transport:
		t.calls, t.waits = rt, t.own(rt.Clone())
	default:
		t.calls, t.waits = rt, rt
	}
}

func (t *Transport) own(p *http.Transport) *http.Transport {
	t.owned = append(t.owned, p)
	return p
}

// tuned is http.DefaultTransport with bounds on everything and a pool that
// survives 64 callers: with the usual two idle connections per host each
// further caller pays a TLS handshake per call.
func tuned() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    128,
		IdleConnTimeout:        50 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
	}
}
