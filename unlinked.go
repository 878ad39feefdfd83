package postpress

import (
	"context"
	"fmt"
	"time"
)

// UnlinkedAccount is an account that SweepUnlinked has found.
type UnlinkedAccount struct {
	// AccountID is the account.
	AccountID string
	// CreatedAt is when it was created.
	CreatedAt time.Time
	// Status is the one in the list of accounts; empty where the API tells none.
	Status Status
	// Deleted tells that it was deleted. Always false without SweepDelete.
	Deleted bool
	// Err is why it is left alone: it matches ErrAuthInProgress where somebody is
	// linking it, ErrAlreadyConnected where it has been linked, or is the error of the
	// look at it or of its deletion. Without SweepDelete, nil means that it would be deleted.
	Err error
}

// SweepOption changes one SweepUnlinked.
type SweepOption func(*unlinkedConfig)

type unlinkedConfig struct{ remove bool }

// SweepDelete makes SweepUnlinked delete what it finds; without, it only tells.
func SweepDelete() SweepOption { return func(c *unlinkedConfig) { c.remove = true } }

// SweepUnlinked finds the WhatsApp accounts of the workspace that were created
// more than olderThan ago and never linked: what is left of linking attempts whose
// process has died. It is a dry run, unless SweepDelete is given. olderThan must
// be at least five minutes, the time that the API gives an attempt, and should be
// longer than attempts take in your program; see WithLinkTimeout.
//
// The API does not say that an account was never linked. Here that is an account
// which has no phone number and no name (both come from the phone), is not
// connected, and tells when it was created. Each is looked at again before it is deleted,
// and deleted only where the API says that its authentication intent exists no
// more, or that it needs to be linked and still has neither number nor name. One
// that is CONNECTING, or whose look the API holds open (for five seconds at most),
// is being linked by somebody and left alone. When in doubt it is left.
//
// The result has every account found, also beside an error, which is an
// *ArgumentError, the context's, or that of the list. What went wrong
// with one account is in UnlinkedAccount.Err. Run it in one process at a time. Safe for concurrent use.
func (c *Client) SweepUnlinked(ctx context.Context, olderThan time.Duration, opts ...SweepOption) ([]UnlinkedAccount, error) {
	var cfg unlinkedConfig
	for _, opt := range opts {
		if opt != nil {
			opt(&cfg)
		}
	}
	if olderThan < intentLifetime {
		return nil, &ArgumentError{"olderThan", "must be at least 5m, the time that an attempt to link an account has"}
	}
	found, err := c.findUnlinked(ctx, time.Now().Add(-olderThan))
	for i := range found {
		if ctx.Err() != nil {
			return found[:i], ctx.Err()
		}
		found[i].Err = c.sweepOne(ctx, found[i].AccountID, cfg.remove)
		found[i].Deleted = cfg.remove && found[i].Err == nil
	}
	return found, err
}

// findUnlinked reads the whole list before anything is deleted, which might move its pages.
func (c *Client) findUnlinked(ctx context.Context, before time.Time) (found []UnlinkedAccount, err error) {
	for a, err := range c.AllAccounts(ctx, ListOptions{Limit: pageSize}) {
		if err != nil {
			return found, err
		}
		if neverLinked(a) && !a.CreatedAt.IsZero() && a.CreatedAt.Before(before) {
			found = append(found, UnlinkedAccount{AccountID: a.ID, CreatedAt: a.CreatedAt, Status: a.Status()})
		}
	}
	return found, nil
}

func neverLinked(a *Account) bool {
	return a.ID != "" && a.Provider == ProviderWhatsApp && !a.Connected() && !everLinked(a)
}

// sweepOne verifies an account and deletes it, or says why not.
func (c *Client) sweepOne(ctx context.Context, id string, remove bool) error {
	s, a, err := c.look(ctx, id, carefulLook)
	if s == sightUnclear && err != nil { // a 408 is followed by what tells; so is much else
		s, a, err = c.look(ctx, id, carefulLook)
	}
	switch {
	case s == sightOver, s == sightIdle && neverLinked(a):
		if remove {
			return c.DeleteAccount(ctx, id)
		}
		return nil
	case s == sightLinked, s == sightIdle:
		return fmt.Errorf("%w, or was", ErrAlreadyConnected)
	case s == sightPending, s == sightConnecting:
		return fmt.Errorf("%w: somebody is linking it", ErrAuthInProgress)
	}
	return err
}
