package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Policy says how often and how slowly to repeat.
type Policy struct {
	MaxAttempts   int           // all attempts of one call, the first included
	BaseDelay     time.Duration // upper bound of the first random delay; doubles
	MaxDelay      time.Duration // upper bound of the random part
	MaxRetryAfter time.Duration // a longer Retry-After is the caller's to keep
}

// minDelay comes on top of the random part, so that a retry is never immediate.
const minDelay = 50 * time.Millisecond

// delay of retry number n, counted from 0. It is not ok when the server asks
// for more patience than the policy has.
func (p Policy) delay(n int, retryAfter time.Duration) (_ time.Duration, ok bool) {
	if retryAfter > p.MaxRetryAfter {
		return 0, false
	}
	if retryAfter > 0 {
		// Jitter on top: everyone was told the same second.
		return retryAfter + rand.N(retryAfter/10+minDelay), true
	}
	spread := p.MaxDelay
	if p.BaseDelay < spread>>n { // so that doubling cannot overflow
		spread = p.BaseDelay << n
	}
	return minDelay + rand.N(min(spread, 1<<62)+1), true
}

// maxRetryAfter is the longest wait that is read, 68 years. As nanoseconds,
// more would overflow into a hot loop.
const maxRetryAfter = (1<<31 - 1) * time.Second

// RetryAfter reads the header in both its forms, seconds and date; 0 where it
// is absent, past or unreadable. Longer ones than maxRetryAfter count as that.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if s, err := strconv.ParseUint(v, 10, 31); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(s) * time.Second // out of range, s is the greatest
	}
	if at, err := http.ParseTime(v); err == nil {
		// The date is of the server's clock, which Date tells; ours may be another.
		if sent, err := http.ParseTime(h.Get("Date")); err == nil {
			now = sent
		}
		return min(max(0, at.Sub(now)), maxRetryAfter)
	}
	return 0
}

// Kind tells why there was no answer.
type Kind int

// The kinds of failure.
const (
	Lost       Kind = iota // the connection ended early, or anything unforeseen
	NotSent                // no connection: nothing reached the server
	NoSuchHost             // the name does not resolve
	BadTLS                 // the certificate, or no TLS at all
	TimedOut               // the time-out of one attempt
	TooLarge               // the answer exceeds the limit
	Ended                  // the caller's context
	Refused                // the request could not be built
	numKinds
)

var kindNames = [numKinds]string{
	"connection lost", "no connection", "no such host", "TLS", "attempt timed out", "answer too large", "context ended", "invalid request",
}

func (k Kind) String() string { return kindNames[k] }

// Failure is a call without an answer.
type Failure struct {
	Kind     Kind
	Err      error
	Attempts int
	Last     *Response // an earlier attempt's answer, if any
	Unsure   bool      // the request may have been carried out
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap gives the network's or the context's own error.
func (f *Failure) Unwrap() error { return f.Err }

// verdict is what one attempt's outcome means.
type verdict struct {
	ok     bool  // a 2xx
	err    error // no answer
	kind   Kind  // with err
	retry  repeat
	unsure bool // the request may have been carried out
	cost   int  // of a retry, in budget units
}

type repeat int

const (
	never   repeat = iota
	ifSafe         // GET, DELETE, or with an idempotency key
	once           // as ifSafe, after the first attempt only
	anyCall        // the request was not carried out
)

func (v verdict) allows(repeatable bool, attempts int) bool {
	switch v.retry {
	case anyCall:
		return true
	case ifSafe:
		return repeatable
	case once:
		return repeatable && attempts == 1
	}
	return false
}

// judgeAnswer is the policy for answers. Error types are the API's
// (documented list of errors).
func judgeAnswer(status int, body []byte) verdict {
	if status >= 200 && status < 300 {
		return verdict{ok: true}
	}
	switch status {
	case http.StatusTooManyRequests:
		return verdict{retry: anyCall, cost: retryCost}
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return verdict{retry: ifSafe, unsure: true, cost: timeoutCost}
	case http.StatusBadGateway:
		return verdict{retry: ifSafe, unsure: true, cost: retryCost}
	case http.StatusServiceUnavailable:
		switch ParseProblem(body).Type {
		case "errors/no_handler", "errors/no_channel":
			return verdict{retry: anyCall, cost: retryCost}
		}
		return verdict{retry: ifSafe, unsure: true, cost: retryCost}
	case http.StatusInternalServerError:
		switch ParseProblem(body).Type {
		case "errors/unexpected_error", "errors/provider_error":
			return verdict{retry: once, unsure: true, cost: retryCost}
		case "errors/authentication_intent_error":
			return verdict{} // documented: the intent was killed
		}
	case http.StatusNotImplemented:
		return verdict{}
	}
	// Other 500s, and what gateways make up, such as 524: no reason to repeat,
	// no promise either that nothing happened.
	return verdict{unsure: status >= 500}
}

// judgeError is the policy for attempts without an answer.
func judgeError(ctx context.Context, err error) verdict {
	v := verdict{err: err, kind: kindOf(err)}
	switch v.kind {
	case NotSent:
		v.retry, v.cost = anyCall, retryCost
	case Lost:
		v.retry, v.cost, v.unsure = ifSafe, retryCost, true
	case TimedOut:
		v.retry, v.cost, v.unsure = ifSafe, timeoutCost, true
	case TooLarge:
		v.unsure = true
	}
	if ctx.Err() != nil {
		v.kind, v.retry = Ended, never
	}
	return v
}

// kindOf tells what is not known for sure to be something else from a lost
// connection. net/http has no types for some of its errors, only texts.
func kindOf(err error) Kind {
	var (
		dns     *net.DNSError
		op      *net.OpError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		record  tls.RecordHeaderError
	)
	says := func(text string) bool { return strings.Contains(err.Error(), text) }
	switch {
	case errors.Is(err, ErrAttemptTimeout):
		return TimedOut
	case errors.Is(err, ErrBodyTooLarge), says("server response headers exceeded"):
		return TooLarge
	case errors.As(err, &dns) && dns.IsNotFound:
		return NoSuchHost
	case errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &record),
		says("server gave HTTP response to HTTPS client"), errors.As(err, &op) && op.Op == "remote error" && refused(op.Err):
		return BadTLS
	case errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect" || op.Op == "socks connect"),
		says("TLS handshake timeout"):
		return NotSent
	}
	return Lost
}

// handshakeAlerts are what the other side says where the two cannot agree: nothing
// was sent, and repeating it does not help. crypto/tls has only texts for them.
var handshakeAlerts = []string{
	"handshake failure", "protocol version not supported", "insufficient security level", "unrecognized name",
	"no application protocol", "certificate required", "bad certificate", "unsupported certificate", "revoked certificate",
	"expired certificate", "unknown certificate", "unknown certificate authority", "access denied",
}

func refused(alert error) bool {
	return slices.Contains(handshakeAlerts, strings.TrimPrefix(alert.Error(), "tls: "))
}
