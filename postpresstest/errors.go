package postpresstest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// The errors of the methods that play the phone. They come wrapped with the
// account id and the reason.
var (
	// ErrUnknownAccount means that there is no account with this id.
	ErrUnknownAccount = errors.New("postpresstest: unknown account")
	// ErrNoIntent means that the account is not waiting for a phone or a code: it
	// never was, it has been scanned already, or the intent has ended.
	ErrNoIntent = errors.New("postpresstest: no live authentication intent")
	// ErrWrongMethod means that the intent was started in another way, such as by
	// QR code where a pairing code was entered.
	ErrWrongMethod = errors.New("postpresstest: the intent was started in another way")
	// ErrWrongCode means that the QR text or the code is not, or no longer, valid.
	ErrWrongCode = errors.New("postpresstest: wrong or expired code")
	// ErrInvalid means that a phone number, a status or a hosted link is not one.
	ErrInvalid = errors.New("postpresstest: invalid value")
)

// apiError is an error answer before it has been given the form of an envelope.
type apiError struct {
	status     int
	kind       string // the type without its prefix errors/
	detail     string
	retryAfter string
	allow      string
}

func fail(status int, kind, format string, args ...any) *apiError {
	return &apiError{status: status, kind: kind, detail: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *apiError {
	return fail(http.StatusBadRequest, "invalid_parameters", format, args...)
}

func missing(field string) *apiError {
	return fail(http.StatusBadRequest, "missing_parameters", "%s is required", field)
}

func notFound(what string) *apiError {
	return fail(http.StatusNotFound, "resource_not_found", "%s does not exist", what)
}

func unavailable() *apiError {
	return fail(http.StatusServiceUnavailable, "service_unavailable", "the double is closing")
}

func timedOut() *apiError {
	return fail(http.StatusRequestTimeout, "request_timeout", "the authentication intent has run out")
}

func killed() *apiError {
	return fail(http.StatusInternalServerError, "authentication_intent_error", "the authentication intent was killed")
}

// typeOf gives an injected status the type that the API would most likely send.
func typeOf(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "invalid_parameters"
	case http.StatusUnauthorized:
		return "invalid_credentials"
	case http.StatusForbidden:
		return "insufficient_permissions"
	case http.StatusNotFound:
		return "resource_not_found"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "request_timeout"
	case http.StatusInternalServerError:
		return "unexpected_error"
	}
	name := http.StatusText(status)
	if name == "" {
		name = fmt.Sprintf("status %d", status)
	}
	return strings.ReplaceAll(strings.ToLower(name), " ", "_")
}

// title turns invalid_credentials into "Invalid credentials".
func title(kind string) string {
	text := strings.ReplaceAll(kind, "_", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}
