package postpress

import (
	"context"
	"errors"
	"time"

	"github.com/postpress-ai/postpress-go/internal/transport"
)

// sight is what one short look at an account tells.
type sight int

const (
	sightUnclear    sight = iota // no answer, or none that tells
	sightLinked                  // it is connected
	sightConnecting              // its status is CONNECTING, or not told
	sightPending                 // the look was held: nobody has answered so far
	sightIdle                    // it exists and is in another status
	sightOver                    // its authentication intent exists no more
	sightGone                    // there is no such account
)

// A look is held while the account is pending, and ends when it is connected
// (documented), so it need not be long. Where something is deleted on the strength
// of it, a slow answer must not be taken for a held one; and where a person may
// have scanned in the last moment, the phone must have the time to connect.
const (
	shortLook   = 2 * time.Second
	carefulLook = 5 * time.Second
	patientLook = 15 * time.Second
)

// look reads an account once, in the lane of the waits: whoever looks must not
// make an ordinary call wait, nor the retries of a look take time.
func (c *Client) look(ctx context.Context, id string, longest time.Duration) (sight, *Account, error) {
	op, err := opGet.at(id)
	if err != nil {
		return sightUnclear, nil, err
	}
	a := new(Account)
	err = c.exchange(ctx, &request{
		Method: op.method, Path: op.path, Template: op.template, Wait: true, Timeout: longest,
	}, a)
	if err != nil {
		return sightOf(err), nil, err
	}
	a.ID = orDefault(a.ID, id)
	switch s := a.Status(); {
	case s.Connected():
		return sightLinked, a, nil
	case s.Terminal():
		return sightIdle, a, nil
	}
	return sightConnecting, a, nil
}

func sightOf(err error) sight {
	var none *RequestError
	switch {
	case errors.As(err, &none):
		if none.kind == transport.TimedOut {
			return sightPending
		}
	case errors.Is(err, ErrNotFound):
		return sightGone
	case intentOver(err) && !errors.Is(err, ErrTimeout): // after a 408 another look is due
		return sightOver
	}
	return sightUnclear
}

// inspection is a look at an account that may have to be deleted: it is repeated
// until it tells, for a while.
func (c *Client) inspect(ctx context.Context, id string, longest time.Duration) (s sight, a *Account, err error) {
	until := time.Now().Add(inspectPatience)
	for {
		s, a, err = c.look(ctx, id, longest)
		refused := errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden)
		if s != sightUnclear && s != sightConnecting || refused || !time.Now().Before(until) {
			return s, a, err
		}
		if !rest(ctx, defaultMinInterval) {
			return sightUnclear, nil, ctx.Err()
		}
	}
}

// everLinked tells whether an account that is not connected shows a trace of
// having been: a number or a name, which a new account gets from the phone.
func everLinked(a *Account) bool { return a.PhoneNumber() != "" || a.Name != "" }
