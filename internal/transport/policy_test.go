package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func problem(kind string) string { return `{"status":0,"type":"errors/` + kind + `","title":"t"}` }
func coded(kind string) string   { return `{"error":{"code":"` + kind + `","message":"m"}}` }

func cutBody(r *http.Request) (*http.Response, error) {
	resp, err := answers(200, `{"id":`)(r)
	resp.Body = &cutAfter{}
	return resp, err
}

type cutAfter struct{ read bool }

func (c *cutAfter) Read(p []byte) (int, error) {
	if c.read {
		return 0, errReset
	}
	c.read = true
	return copy(p, "{"), nil
}
func (*cutAfter) Close() error { return nil }

// outcome is one row of the retry policy.
type outcome struct {
	name   string
	step   step
	repeat repeat
	unsure bool // for a request that changes something
	kind   Kind // where there is no answer
}

func outcomes() []outcome {
	dns := func(notFound bool) error {
		return &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no", IsNotFound: notFound}}
	}
	rows := []outcome{
		{"dial", fails(errDial), anyCall, false, NotSent},
		{"dial, DNS out of order", fails(dns(false)), anyCall, false, NotSent},
		{"dial, proxy", fails(&net.OpError{Op: "proxyconnect", Err: errDial}), anyCall, false, NotSent},
		{"dial, SOCKS", fails(&net.OpError{Op: "socks connect", Err: errors.New("host unreachable")}), anyCall, false, NotSent},
		{"TLS too slow", fails(errors.New("net/http: TLS handshake timeout")), anyCall, false, NotSent},
		{"NXDOMAIN", fails(dns(true)), never, false, NoSuchHost},
		{"certificate", fails(&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}}}), never, false, BadTLS},
		{"unknown authority", fails(x509.UnknownAuthorityError{}), never, false, BadTLS},
		{"no TLS record", fails(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), never, false, BadTLS},
		{"no TLS", fails(errors.New("http: server gave HTTP response to HTTPS client")), never, false, BadTLS},
		{"lost", fails(errReset), ifSafe, true, Lost},
		{"unforeseen", fails(errors.New("what")), ifSafe, true, Lost},
		{"no answer, no error", func(*http.Request) (*http.Response, error) { return nil, nil }, ifSafe, true, Lost},
		{"time-out", hangs, ifSafe, true, TimedOut},
		{"cut body", cutBody, ifSafe, true, Lost},
		{"too large", answers(200, string(make([]byte, testLimit+1))), never, true, TooLarge},
	}
	status := func(code int, body string, repeat repeat, unsure bool) {
		rows = append(rows, outcome{fmt.Sprintf("%d %s", code, body), answers(code, body), repeat, unsure, 0})
	}
	for _, envelope := range []func(string) string{problem, coded} {
		for _, kind := range []string{"no_handler", "no_channel"} {
			status(503, envelope(kind), anyCall, false)
		}
		for _, kind := range []string{"no_client_session", "network_down", "service_unavailable", "novel"} {
			status(503, envelope(kind), ifSafe, true)
		}
		for _, kind := range []string{"unexpected_error", "provider_error"} {
			status(500, envelope(kind), once, true)
		}
		status(500, envelope("authentication_intent_error"), never, false)
		status(500, envelope("novel"), never, true)
		status(429, envelope("too_many_requests"), anyCall, false)
		status(501, envelope("not_implemented"), never, false)
	}
	for _, code := range []int{408, 502, 503, 504} {
		status(code, "<html>gateway</html>", ifSafe, true)
	}
	for _, code := range []int{200, 201, 202, 204, 302, 304, 400, 401, 403, 404, 405, 407, 409, 410, 413, 422, 425, 451, 501} {
		status(code, "", never, false)
	}
	for _, code := range []int{500, 505, 507, 520, 524, 599} {
		status(code, "", never, true)
	}
	status(429, "", anyCall, false)
	return rows
}

func TestPolicy(t *testing.T) {
	methods := []struct {
		method, key   string
		safe, changes bool
	}{
		{"GET", "", true, false}, {"HEAD", "", true, false}, {"DELETE", "", true, true}, {"POST", "key", true, true},
		{"PATCH", "key", true, true}, {"POST", "", false, true}, {"PATCH", "", false, true}, {"PUT", "", false, true},
	}
	for _, row := range outcomes() {
		for _, m := range methods {
			name := fmt.Sprintf("%s/%s key=%q", row.name, m.method, m.key)
			if m.method == "HEAD" && row.kind == TooLarge {
				continue // its own test
			}
			want := 1
			switch {
			case row.repeat == anyCall || row.repeat == ifSafe && m.safe:
				want = 3
			case row.repeat == once && m.safe:
				want = 2
			}
			synctest.Test(t, func(t *testing.T) {
				s, client := play(row.step)
				resp, err := newTransport(t, "http://api.test", client).Do(t.Context(),
					&Request{Method: m.method, Path: "/x", Template: "/x", IdempotencyKey: m.key, Body: []byte("{}")})
				assert.Len(t, s.at, want, name)
				if err == nil {
					assert.Equal(t, want, resp.Attempts, name)
					assert.Equal(t, row.unsure && m.changes, resp.Unsure, name)
					return
				}
				f := failure(t, err)
				assert.Equal(t, row.kind, f.Kind, name)
				assert.Equal(t, want, f.Attempts, name)
				assert.Equal(t, row.unsure && m.changes, f.Unsure, name)
				assert.Nil(t, f.Last)
			})
		}
	}
}

func TestTrapPostRetriedWithoutKey(t *testing.T) {
	for _, first := range []step{answers(500, problem("unexpected_error")), answers(502, ""), answers(503, ""), fails(errReset)} {
		synctest.Test(t, func(t *testing.T) {
			s, client := play(first, answers(201, "{}"))
			_, _ = newTransport(t, "http://api.test", client).Do(t.Context(), post(""))
			assert.Len(t, s.at, 1, "a POST without a key was sent twice")
		})
	}
}

func TestOnceMeansTheFirstAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := play(answers(502, ""), answers(500, problem("unexpected_error")))
		resp, err := newTransport(t, "http://api.test", client).Do(t.Context(), get())
		require.NoError(t, err)
		assert.Equal(t, 500, resp.StatusCode)
		assert.Len(t, s.at, 2)
	})
}

func TestOneAttemptNeverRepeats(t *testing.T) {
	for _, outcome := range []step{fails(errDial), answers(429, ""), answers(503, "")} {
		s, client := play(outcome)
		_, _ = newTransport(t, "http://api.test", client, func(c *Config) { c.Retry.MaxAttempts = 1 }).Do(t.Context(), get())
		assert.Len(t, s.at, 1)
	}
}

// The errors of real connections are what the table above takes them for.
func TestKindsOfRealConnections(t *testing.T) {
	plain, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := l.Addr().String()
	require.NoError(t, l.Close())
	lost, _ := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	secure := serveTLS(t)

	for base, want := range map[string]Kind{
		"http://" + nobody: NotSent, "https://" + plain[len("http://"):]: BadTLS, secure: BadTLS, lost: Lost,
	} {
		tr := newTransport(t, base, nil, instant)
		_, err := tr.Do(t.Context(), post(""))
		f := failure(t, err)
		assert.Equal(t, want, f.Kind, "%v", f.Err)
		assert.NotEmpty(t, f.Kind.String())
		assert.Equal(t, want == Lost, f.Unsure)
		tr.CloseIdle()
	}
}

func TestTunedTransportBounds(t *testing.T) {
	p := tuned()
	assert.GreaterOrEqual(t, p.MaxIdleConnsPerHost, 64)
	assert.GreaterOrEqual(t, p.MaxIdleConns, p.MaxIdleConnsPerHost)
	assert.Zero(t, p.MaxConnsPerHost)
	assert.Equal(t, 5*time.Second, p.TLSHandshakeTimeout)
	assert.Equal(t, 50*time.Second, p.IdleConnTimeout)
	assert.EqualValues(t, 1<<20, p.MaxResponseHeaderBytes)
	// StrictMaxConcurrentRequests, new in Go 1.26, hangs there.
	assert.Equal(t, &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second}, p.HTTP2)
	assert.True(t, p.ForceAttemptHTTP2)
	assert.NotNil(t, p.Proxy)
}
