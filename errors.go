package postpress

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postpress-ai/postpress-go/internal/transport"
)

// What errors.Is finds in the errors of this package, whichever type they have.
var (
	// ErrUnauthorized is a 401: the API refuses the key, or the provider the account; APIError.Type tells.
	ErrUnauthorized = errors.New("postpress: unauthorized")
	// ErrForbidden is a 403: the key or the account may not do this.
	ErrForbidden = errors.New("postpress: forbidden")
	// ErrNotFound is a 404: there is no such account or other resource.
	ErrNotFound = errors.New("postpress: not found")
	// ErrRateLimited is a 429, where APIError.RetryAfter says how long to wait if the
	// API does, or a Link that was refreshed too often.
	ErrRateLimited = errors.New("postpress: rate limited")
	// ErrTimeout is a 408 or 504, or an attempt that took longer than WithTimeout allows.
	ErrTimeout = errors.New("postpress: timed out")
	// ErrConflict is a 409: a later request has cancelled this one.
	ErrConflict = errors.New("postpress: conflict")
	// ErrAuthInProgress is a 425: the account is being linked already, a second attempt
	// cannot start. Link.Refresh and SweepUnlinked say the same of what they find.
	ErrAuthInProgress = errors.New("postpress: an authentication is already in progress")
	// ErrUnavailable is a 502 or 503, or a connection that could not be made or was
	// lost. A failed TLS handshake matches nothing here: repeating it does not help.
	ErrUnavailable = errors.New("postpress: unavailable")
	// ErrUnknownOutcome says that a call that changes something may have been
	// carried out although it failed. Repeating it with the same idempotency key is safe.
	ErrUnknownOutcome = errors.New("postpress: the outcome is unknown, the request may have been carried out")
	// ErrResponseTooLarge is an answer beyond WithMaxResponseBytes, or headers beyond their bound.
	ErrResponseTooLarge = errors.New("postpress: response too large")

	// ErrIntentExpired says that the five minutes to link the account are over, or that
	// the API has ended the attempt: start again from the beginning.
	ErrIntentExpired = errors.New("postpress: the linking attempt has ended, start again")
	// ErrConnectionFailed says that the account ended in a state from which it does not connect by itself.
	ErrConnectionFailed = errors.New("postpress: the account did not connect")
	// ErrAlreadyConnected says that a start found nothing left to do.
	ErrAlreadyConnected = errors.New("postpress: the account is already connected")
	// ErrWrongAccount says that another account was linked than the one expected; the
	// API says so by the types wrong_account and account_mismatch.
	ErrWrongAccount = errors.New("postpress: another account was linked than expected")
	// ErrUnsupportedCheckpoint says that the API asks for something else than a QR code or
	// pairing code; the checkpoint comes with the error.
	ErrUnsupportedCheckpoint = errors.New("postpress: unsupported checkpoint")
)

// ArgumentError is an argument or option that cannot be right. No request was sent.
type ArgumentError struct {
	Field   string // the parameter, field or option
	Problem string // what would be right; never the value itself
}

// Error implements error.
func (e *ArgumentError) Error() string { return "postpress: " + e.Field + " " + e.Problem }

// APIError is an answer of the API, or of something before it, that is no
// success. It is always used as a pointer, found with errors.As, and matches
// the sentinels of this package with errors.Is.
type APIError struct {
	// StatusCode is the HTTP status. It is 2xx where an answer could not be read.
	StatusCode int
	// Type is the API's error type with its prefix, such as
	// errors/resource_not_found (documented by the API, whose second form of an
	// error lacks the prefix); empty where the body does not say.
	Type string
	// Title and Detail are the API's words on one line each; Detail is a short
	// sample of the body where that is not an error of the API. The API key and
	// what looks like a phone number, a pairing code or a QR text are masked.
	Title, Detail string
	// Instance is the API's own reference, where given.
	Instance string
	// RequestID is what support asks for, where given, in the body or as the
	// header X-Request-Id or Request-Id.
	RequestID string
	// Method and PathTemplate tell the call, without ids: GET /accounts/{id}.
	Method, PathTemplate string
	// RetryAfter is how long the API asks to wait; 0 where it does not.
	RetryAfter time.Duration
	// Attempts counts how often the request was sent.
	Attempts int
	// Header holds the headers of the answer, rate-limit headers included where sent.
	Header http.Header

	raw    *transport.Response // a pointer, so that no print of the error reaches the body
	unsure bool
	cause  error
}

// Body is the answer as it came; nil where the error did not come from the
// API. It may hold what must not be logged. Treat it as read-only.
func (e *APIError) Body() []byte {
	if e.raw == nil {
		return nil
	}
	return e.raw.Body
}

// Unwrap gives the reason why an answer could not be read; nil otherwise.
func (e *APIError) Unwrap() error { return e.cause }

// Error reads like
//
//	postpress: GET /accounts/{id}: 404 Not Found (errors/resource_not_found): No such account [request 0e1f3a8a]
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "postpress: %s %s: %d", e.Method, e.PathTemplate, e.StatusCode)
	if t := http.StatusText(e.StatusCode); t != "" {
		b.WriteString(" " + t)
	}
	if e.Type != "" {
		b.WriteString(" (" + e.Type + ")")
	}
	said := ""
	for _, s := range []string{e.Title, e.Detail} {
		if s != "" && s != said {
			b.WriteString(": " + s)
			said = s
		}
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, " [retry after %v]", e.RetryAfter)
	}
	if e.RequestID != "" {
		b.WriteString(" [request " + e.RequestID + "]")
	}
	writeAttempts(&b, e.Attempts, e.unsure)
	return b.String()
}

func writeAttempts(b *strings.Builder, attempts int, unsure bool) {
	if attempts > 1 {
		fmt.Fprintf(b, " [%d attempts]", attempts)
	}
	if unsure {
		b.WriteString(" [outcome unknown]")
	}
}

// Is implements what errors.Is needs for the sentinels.
func (e *APIError) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return e.StatusCode == http.StatusUnauthorized
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden
	case ErrNotFound:
		return e.StatusCode == http.StatusNotFound
	case ErrRateLimited:
		return e.StatusCode == http.StatusTooManyRequests
	case ErrTimeout:
		return e.StatusCode == http.StatusRequestTimeout || e.StatusCode == http.StatusGatewayTimeout
	case ErrConflict:
		return e.StatusCode == http.StatusConflict
	case ErrAuthInProgress:
		return e.StatusCode == http.StatusTooEarly
	case ErrUnavailable:
		return e.StatusCode == http.StatusBadGateway || e.StatusCode == http.StatusServiceUnavailable
	case ErrUnknownOutcome:
		return e.unsure
	case ErrIntentExpired:
		return e.Type == "errors/authentication_intent_error"
	case ErrWrongAccount:
		return e.Type == "errors/wrong_account" || e.Type == "errors/account_mismatch"
	}
	return false
}

// Format implements fmt.Formatter: every verb prints the text of Error, so
// that %#v does not print the body.
func (e APIError) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.Error()) }

// LogValue implements slog.LogValuer.
func (e *APIError) LogValue() slog.Value {
	if e == nil {
		return slog.StringValue("<nil>")
	}
	attrs := []slog.Attr{
		slog.String("method", e.Method), slog.String("path", e.PathTemplate), slog.Int("status", e.StatusCode),
	}
	for _, a := range []slog.Attr{
		slog.String("type", e.Type), slog.String("title", e.Title), slog.String("detail", e.Detail),
		slog.String("request_id", e.RequestID), slog.Duration("retry_after", e.RetryAfter),
	} {
		if !a.Value.Equal(slog.StringValue("")) && !a.Value.Equal(slog.DurationValue(0)) {
			attrs = append(attrs, a)
		}
	}
	return slog.GroupValue(append(attrs, slog.Int("attempts", e.Attempts))...)
}

func formatError(f fmt.State, isNil bool, e error) {
	if isNil {
		_, _ = io.WriteString(f, "<nil>")
		return
	}
	_, _ = io.WriteString(f, e.Error())
}

// RequestError is a call that got no answer: no connection, a lost one, an
// attempt that took too long, or a context that ended. It unwraps to the
// cause and, where an earlier attempt was answered, to that *APIError as well.
// It is always used as a pointer.
type RequestError struct {
	// Method and PathTemplate tell the call, without ids.
	Method, PathTemplate string
	// Attempts counts how often the request was sent.
	Attempts int
	// Err is the error of the network or of the context.
	Err error
	// Last is the answer of an earlier attempt; nil where there was none.
	Last *APIError

	kind   transport.Kind
	unsure bool
}

// Error implements error.
func (e *RequestError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "postpress: %s %s: ", e.Method, e.PathTemplate)
	if e.kind == transport.Lost {
		b.WriteString("the connection was lost: ") // what follows may be a bare EOF
	}
	fmt.Fprint(&b, e.Err)
	writeAttempts(&b, e.Attempts, e.unsure)
	if e.Last != nil {
		fmt.Fprintf(&b, "; the answer before: %v", e.Last)
	}
	return b.String()
}

// Unwrap gives Err and, where there is one, Last.
func (e *RequestError) Unwrap() []error {
	if e.Last == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Last}
}

// Is implements what errors.Is needs for the sentinels.
func (e *RequestError) Is(target error) bool {
	switch target {
	case ErrTimeout:
		return e.kind == transport.TimedOut
	case ErrUnavailable:
		return slices.Contains([]transport.Kind{transport.Lost, transport.NotSent, transport.NoSuchHost}, e.kind)
	case ErrResponseTooLarge:
		return e.kind == transport.TooLarge
	case ErrUnknownOutcome:
		return e.unsure
	}
	return false
}

// Format implements fmt.Formatter: every verb prints the text of Error.
func (e RequestError) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.Error()) }

func (c *Client) requestError(req *request, err error) error {
	f := &transport.Failure{Err: err}
	_ = errors.As(err, &f) // always one
	e := &RequestError{
		Method: req.Method, PathTemplate: req.Template,
		Attempts: f.Attempts, Err: f.Err, kind: f.Kind, unsure: f.Unsure,
	}
	if f.Kind != transport.TooLarge { // whose text has a number that is no secret
		e.Err = c.mask.cause(f.Err)
	}
	if f.Last != nil {
		e.Last = c.apiError(req, f.Last)
	}
	return e
}
