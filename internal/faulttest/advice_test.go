package faulttest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	"github.com/postpress-ai/postpress-go"
)

// advice is what to do, as far as it follows from the error alone, by errors.Is and
// errors.As. It is the proof that the errors are actionable: where it knows nothing,
// the suite fails.
func advice(err error) string {
	is := func(target error) bool { return errors.Is(err, target) }
	var wait *postpress.WaitError
	switch {
	case err == nil:
		return "nothing"
	case errors.As(err, &wait) && is(context.DeadlineExceeded):
		return "wait again, the account may still connect; what stands in the way, if anything, comes after “before that”"
	case is(postpress.ErrUnauthorized):
		return "check the API key; `APIError.Type` tells where it is the account that must be linked again"
	case is(postpress.ErrForbidden):
		return "check what the key and the plan allow"
	case is(postpress.ErrNotFound):
		return "check the id; the account is gone, or never was"
	case is(postpress.ErrIntentExpired):
		return "start to link from the beginning"
	case is(postpress.ErrAuthInProgress):
		return "wait for the attempt that is under way"
	case is(postpress.ErrRateLimited):
		return "pause for `APIError.RetryAfter`, or a minute where it is 0"
	case is(postpress.ErrConflict):
		return "nothing, or read the account: a later request has taken the place of this one"
	case is(postpress.ErrUnsupportedCheckpoint), is(postpress.ErrAlreadyConnected):
		return "`StartError` has the account and what is asked for: go on from there, or delete it"
	case is(postpress.ErrConnectionFailed):
		return "start to link from the beginning, or reconnect the account"
	}
	return adviceOnTheWay(err)
}

// adviceOnTheWay is for what did not get as far as the API, or did not come back whole.
func adviceOnTheWay(err error) string {
	is := func(target error) bool { return errors.Is(err, target) }
	var (
		cert   *tls.CertificateVerificationError
		record tls.RecordHeaderError
		remote *net.OpError
		dns    *net.DNSError
		answer *postpress.APIError
	)
	switch {
	case errors.As(err, &cert):
		return "fix the certificate, the name in the base URL, the trusted CAs or the clock; repeating does not help"
	case errors.As(err, &record), is(http.ErrSchemeMismatch), errors.As(err, &remote) && remote.Op == "remote error":
		return "check the base URL: scheme and port, and what TLS the other side wants"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "check the base URL, then the DNS"
	case is(postpress.ErrResponseTooLarge) && is(postpress.ErrUnknownOutcome):
		return "check the base URL, look for the account in `ListAccounts`, raise `WithMaxResponseBytes` (not for headers, whose bound is fixed)"
	case is(postpress.ErrResponseTooLarge):
		return "check the base URL, or raise `WithMaxResponseBytes` (not for headers, whose bound is fixed)"
	case is(postpress.ErrUnknownOutcome) && (is(postpress.ErrUnavailable) || is(postpress.ErrTimeout)):
		return "repeat with the same `WithIdempotencyKey`, or look for the account in `ListAccounts`"
	case is(postpress.ErrUnknownOutcome):
		return "look for the account in `ListAccounts`; show `APIError.Body` to whoever runs the other side"
	case is(postpress.ErrUnavailable), is(postpress.ErrTimeout):
		return "try again later; nothing was changed"
	case !errors.As(err, &answer):
		return ""
	case answer.StatusCode < 400:
		return "check the base URL; `APIError.Body` has what came"
	case answer.StatusCode < 500:
		return "correct the request: the text says what is wrong with it"
	}
	return "report it to the API's support, with `APIError.RequestID` where there is one"
}
