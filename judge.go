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
	answered bool      // the API has answered at all
	pending  bool      // an earlier observation was "not yet"
	timedOut bool      // the last answer was a 408
	missing  time.Time // since when the account is not found
	start    Status    // where a reconnection starts from
	moved    bool      // the reconnection has left its start
}

// judge is connected, an error that ends the wait, or neither.
func (j *judge) judge(o observation) (connected bool, err error) {
	if o.err != nil {
		err = j.judgeError(o)
	} else {
		j.answered, j.last, j.missing = true, nil, time.Time{}
		connected, err = j.judgeStatus(o.account.Status())
		j.timedOut = false
	}
	j.pending = true
	return connected, err
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
		return false, fmt.Errorf("%w: its status is %s", ErrIntentExpired, s)
	case j.reconnect && s.NeedsReconnect() && !j.moved && (j.start == "" || j.start == s):
		j.start = s
		return false, nil
	}
	return false, fmt.Errorf("%w: its status is %s", ErrConnectionFailed, s)
}

func (j *judge) judgeError(o observation) error {
	j.last = o.err
	var api *APIError
	if errors.As(o.err, &api) {
		return j.judgeAnswer(api, o.at)
	}
	var req *RequestError
	if !errors.As(o.err, &req) {
		return o.err
	}
	switch req.kind {
	case transport.TimedOut:
		j.last = nil // held to the end: the long poll as documented
	case transport.NoSuchHost, transport.BadTLS:
		if !j.answered {
			return o.err // it never worked, and will not by waiting
		}
	case transport.Lost, transport.NotSent:
	default:
		return o.err
	}
	return nil
}

// judgeAnswer gives the error back where it ends the wait.
func (j *judge) judgeAnswer(e *APIError, at time.Time) error {
	j.answered = true
	expired := j.timedOut || j.pending
	j.timedOut = e.StatusCode == http.StatusRequestTimeout
	switch e.StatusCode {
	case http.StatusRequestTimeout, // the attempt may be over: the next look tells
		http.StatusConflict,        // another request took its place
		http.StatusTooEarly,        // being linked
		http.StatusTooManyRequests, // the lane pauses
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return nil
	case http.StatusNotFound:
		if j.missing.IsZero() {
			j.missing = at
		}
		if at.Sub(j.missing) < notFoundGrace {
			return nil
		}
	case http.StatusBadRequest:
		// Documented: 408 when the attempt has run out, 400 from then on. The
		// 408 may have been lost with a connection or gone to another process,
		// so a 400 for an id that was fine before means the same.
		if expired {
			return fmt.Errorf("%w: %w", ErrIntentExpired, e)
		}
	case http.StatusInternalServerError:
		if !errors.Is(e, ErrIntentExpired) {
			return nil
		}
	default:
		if e.StatusCode < 300 {
			return nil // unreadable, by a page in between perhaps
		}
		if e.StatusCode > 501 {
			return nil
		}
	}
	return e
}

// givenUp is why a wait ended that was still pending.
func (j *judge) givenUp(ctx context.Context) error {
	if j.last == nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w; the last answer was: %w", ctx.Err(), j.last)
}
