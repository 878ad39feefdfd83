package postpress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/postpress-ai/postpress-go/internal/transport"
)

// observation is one answer about an account: what it is, or why that is not known.
type observation struct {
	seq     int
	at      time.Time
	account *Account
	err     error
}

// judge decides what an observation means to one wait: connected, over, or
// not yet. It remembers what the meaning of the next one depends on.
type judge struct {
	reconnect bool

	status   Status    // last one read
	last     error     // of the last observation, nil where it told something
	answered bool      // something has answered at all
	pending  bool      // an earlier observation was that of an attempt under way
	timedOut bool      // there was a 408, and no status since
	missing  time.Time // since when the account is not found
	start    Status    // where a reconnection starts from
	moved    bool      // the reconnection has left its start
}

// judge is connected, an error that ends the wait, or neither.
func (j *judge) judge(o observation) (connected bool, err error) {
	j.last = o.err
	if o.err != nil {
		return false, j.judgeError(o)
	}
	j.answered, j.missing = true, time.Time{}
	if s := o.account.Status(); s != "" {
		connected, err = j.judgeStatus(s)
	} else {
		err = unsupported(o.account) // or an account without sources, so far
	}
	j.pending, j.timedOut = true, false
	return connected, err
}

// unsupported finds a checkpoint where an account should be, that is none of those
// which are being waited for: WhatsApp asks some people for a passkey after the scan.
// Where the API tells of it is not documented; this is how it answers a start.
func unsupported(a *Account) error {
	var w struct {
		Checkpoint span `json:"checkpoint"`
	}
	if len(a.Raw) == 0 || unmarshal(a.Raw, &w) != nil || len(w.Checkpoint) == 0 || string(w.Checkpoint) == "null" {
		return nil
	}
	cp := parseCheckpoint(w.Checkpoint, time.Now())
	cp.AccountID = a.ID
	switch {
	case cp.QRCode != "" || cp.PairingCode != "", cp.Type == "", cp.Type == CheckpointQRCode, cp.Type == CheckpointPairingCode:
		return nil
	}
	return &StartError{AccountID: a.ID, Checkpoint: cp, Err: ErrUnsupportedCheckpoint}
}

func (j *judge) judgeStatus(s Status) (connected bool, err error) {
	j.status = s
	switch {
	case s.Connected():
		return true, nil
	case !s.Terminal():
		j.moved = true
		return false, nil
	case j.timedOut:
		// The attempt ran out, and what is left is an account that is not connected.
		return false, fmt.Errorf("%w: its status is %s", ErrIntentExpired, oneLine(string(s)))
	case j.reconnect && s.NeedsReconnect() && !j.moved && (j.start == "" || j.start == s):
		j.start = s
		return false, nil
	}
	return false, fmt.Errorf("%w: its status is %s", ErrConnectionFailed, oneLine(string(s)))
}

func (j *judge) judgeError(o observation) error {
	var answer *APIError
	if errors.As(o.err, &answer) {
		j.answered = true
		return j.judgeAnswer(answer, o.at)
	}
	var none *RequestError
	if !errors.As(o.err, &none) {
		return o.err
	}
	switch none.kind {
	case transport.TimedOut: // held to the end: the long poll as documented
		j.last, j.pending = nil, true
		return nil
	case transport.Lost: // held as well, perhaps, and cut by something in between
		j.pending = true
		return nil
	case transport.NotSent:
		return nil
	case transport.NoSuchHost, transport.BadTLS:
		if j.answered {
			return nil
		} // else it never worked, and will not by waiting
	}
	return o.err
}

// judgeAnswer gives the error back where it ends the wait.
func (j *judge) judgeAnswer(e *APIError, at time.Time) error {
	switch code := e.StatusCode; code {
	case http.StatusRequestTimeout: // the attempt may be over: the next look tells
		j.timedOut, j.pending = true, true
	case http.StatusConflict, http.StatusTooEarly: // another request took its place; being linked
		j.pending = true
	case http.StatusTooManyRequests: // all waits pause
	case http.StatusNotFound:
		if j.missing.IsZero() {
			j.missing = at
		}
		if at.Sub(j.missing) >= notFoundGrace {
			return e
		}
	case http.StatusBadRequest:
		// Documented: 408 when the attempt has run out, 400 from then on. The
		// 408 may have been lost with a connection or gone to another process,
		// so a 400 for an id that was fine before means the same.
		if j.pending {
			return fmt.Errorf("%w: %w", ErrIntentExpired, e)
		}
		return e
	case http.StatusInternalServerError:
		if errors.Is(e, ErrIntentExpired) {
			return e
		}
	default:
		// A success that cannot be read is a page of something in between, and
		// so are the errors from 502 on: neither tells anything of the account.
		if code >= 300 && code <= http.StatusNotImplemented {
			return e
		}
	}
	return nil
}

// givenUp is why a wait ended that was still pending.
func (j *judge) givenUp(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != err {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if j.last != nil {
		err = fmt.Errorf("%w; before that: %w", err, j.last)
	}
	return err
}

// interrupted tells a request that was cut by us from one that told
// something, be it at the very moment the context ended.
func interrupted(err error) bool {
	var e *RequestError
	return errors.As(err, &e) && e.kind == transport.Ended
}

// throttled is how long a 429 asks all waits of the client to pause: the API's
// limit is per key. No wait outlives the attempt, so a longer pause tells nothing more.
func throttled(err error) time.Duration {
	var e *APIError
	if !errors.As(err, &e) || e.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	return min(max(e.RetryAfter, defaultMinInterval), intentLifetime)
}
