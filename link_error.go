package postpress

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
)

// ErrLinkCanceled is the outcome of a linking attempt that was ended by Link.Cancel.
var ErrLinkCanceled = errors.New("postpress: the linking attempt was cancelled")

// ErrLinkDetached is what the viewers of a linking attempt are told after
// Link.Detach: it may go on in another process.
var ErrLinkDetached = errors.New("postpress: the linking attempt goes on elsewhere")

// LinkError is the outcome of a linking attempt that ended without the account
// asked for. It is always used as a pointer.
type LinkError struct {
	// AccountID is the account that was being linked. With ErrWrongAccount it is
	// the account that was linked, which is still there.
	AccountID string
	// LeftOver are accounts that the attempt has created and could not delete; see LinkRecord.
	LeftOver []string
	// Err is why: it matches ErrLinkCanceled, ErrLinkDetached, ErrIntentExpired (the time is up),
	// ErrWrongAccount, ErrConnectionFailed, ErrUnsupportedCheckpoint (with the
	// *StartError that has the checkpoint), or is an error of the API.
	Err error
}

// Error implements error.
func (e *LinkError) Error() string {
	s := fmt.Sprintf("postpress: linking account %s: %s", oneLine(e.AccountID), unprefixed(e.Err))
	if len(e.LeftOver) > 0 {
		s += fmt.Sprintf(" (left behind: %s)", oneLine(fmt.Sprint(e.LeftOver)))
	}
	return s
}

// Unwrap gives Err.
func (e *LinkError) Unwrap() error { return e.Err }

// Format implements fmt.Formatter: every verb prints the text of Error.
func (e *LinkError) Format(f fmt.State, _ rune) { formatError(f, e == nil, e) }

// LogValue implements slog.LogValuer: the text of Error.
func (e LinkError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

func unprefixed(err error) string { return strings.TrimPrefix(fmt.Sprint(err), "postpress: ") }

var (
	errLinkTimeUp    = fmt.Errorf("%w: its time is up", ErrIntentExpired)
	errConnecting    = fmt.Errorf("%w: the phone is connecting", ErrAuthInProgress)
	errNoNewCode     = fmt.Errorf("%w: the challenge that is shown is still the current one", ErrAuthInProgress)
	errAskedTooOften = fmt.Errorf("%w: the attempt has been refreshed often enough", ErrRateLimited)
)

// suggestQR helps a person whose number is refused a pairing code for having had too many.
func suggestQR(err error, pairing bool) error {
	if pairing && errors.Is(err, ErrRateLimited) {
		return fmt.Errorf("%w; too many pairing codes, perhaps: link by QR code instead", err)
	}
	return err
}

// intentOver tells whether an error says that the authentication intent of an
// account exists no more. Documented: 408 when it has run out, 400 from then on.
func intentOver(err error) bool {
	if errors.Is(err, ErrIntentExpired) || errors.Is(err, ErrNotFound) {
		return true
	}
	code := statusOf(err)
	return code == http.StatusBadRequest || code == http.StatusRequestTimeout
}

// passing tells whether what made a refresh fail may be gone the next time.
func passing(err error) bool {
	switch code := statusOf(err); code {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented:
		return false
	default: // a success that cannot be read is a page of something in between; 0 is no answer
		return code < 300 || code >= 500
	}
}

func statusOf(err error) int {
	var e *APIError
	if errors.As(err, &e) {
		return e.StatusCode
	}
	return 0
}
