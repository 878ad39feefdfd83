package postpress

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
)

// LinkState is what there is to show.
type LinkState string

// The states of a link. Show and expired alternate, connecting may fall back to
// expired, connected is the end.
const (
	LinkShow       LinkState = "show"       // a challenge to show: LinkStep.Checkpoint
	LinkExpired    LinkState = "expired"    // nothing to show: a new challenge is on its way, Refresh is awaited, or the attempt is being wound up
	LinkConnecting LinkState = "connecting" // the phone has answered
	LinkConnected  LinkState = "connected"  // the end: LinkStep.Account
)

// LinkStep is one step of a linking attempt. It prints without its secrets.
type LinkStep struct {
	// Seq counts the steps of an attempt, from 1, across ResumeLink. A viewer
	// that is slow does not see every number.
	Seq int
	// State is what there is to show; empty beside an error.
	State LinkState
	// Checkpoint is what to show, where State is LinkShow; nil otherwise.
	Checkpoint *Checkpoint
	// Account is the account, where State is LinkConnected; nil otherwise.
	Account *Account
}

// Format implements fmt.Formatter: number and state, whatever the verb.
func (s LinkStep) Format(f fmt.State, _ rune) { s.safe().format(f, "LinkStep") }

// LogValue implements slog.LogValuer.
func (s LinkStep) LogValue() slog.Value { return s.safe().logValue() }

func (s LinkStep) safe() fields {
	return fields{slog.Int("Seq", s.Seq), slog.String("State", string(s.State))}
}

// own gives a viewer values that no other viewer has.
func (s LinkStep) own() LinkStep {
	if s.Checkpoint != nil {
		cp := *s.Checkpoint
		s.Checkpoint = &cp
	}
	if s.Account != nil {
		a := *s.Account
		s.Account = &a
	}
	return s
}

// Link is one linking attempt, which looks after itself: it replaces the
// challenge before that stops working, holds still while the phone connects, and
// removes what it has created in vain. It ends with an outcome, which Wait
// returns and Steps yields last. Links come from LinkWhatsApp and ResumeLink; all
// methods are safe for concurrent use by any number of viewers, who may come and
// go without effect on the attempt. The zero value is not usable.
type Link struct{ at *attempt } // a pointer, so that no print of a Link reaches the request

// LinkWhatsApp starts to link a WhatsApp account, by QR code or by pairing code,
// a new one or one that exists:
//
//	link, err := client.LinkWhatsApp(ctx, postpress.LinkRequest{})
//	for step, err := range link.Steps(ctx) { … }
//
// ctx is for the start alone. The attempt then goes on by itself, whoever
// watches, until it has an outcome: an account is connected, Cancel is called, or
// its time is up (see WithLinkTimeout). Keep hold of it, or of its State.
//
// While it runs, a QR code is replaced every 50 s and a pairing code every 150 s,
// at most five times (see WithLinkRefresh), each time after a last look whether
// the phone has answered. Where the API has to create a new account for that, the
// former one stays watched, and whichever connects first is the outcome. Before
// the outcome is told, the accounts that this attempt has created and that are
// verified not to be linked are deleted; no other is, ever.
//
// Errors: a bad argument is an *ArgumentError or *PhoneNumberError, before any
// request. That of the start is returned as it is: an *APIError or *RequestError, a
// *StartError where the API asks for something else than the challenge, and for
// an account to be linked again that is connected already, one that matches
// ErrAlreadyConnected. What happens later is told by Wait and Steps, as a *LinkError.
func (c *Client) LinkWhatsApp(ctx context.Context, req LinkRequest, opts ...LinkOption) (*Link, error) {
	cfg, err := newLinkConfig(opts)
	if err != nil {
		return nil, err
	}
	if cfg.request != nil {
		return nil, &ArgumentError{"WithLinkRequest", "is for ResumeLink"}
	}
	if req, err = req.normalize(); err != nil {
		return nil, err
	}
	return c.links.start(ctx, cfg.key, req, func(idempotencyKey string, ended func()) (*Link, error) {
		if cfg.startKey != nil {
			idempotencyKey = *cfg.startKey
		}
		return c.startLink(ctx, req, cfg, idempotencyKey, ended)
	})
}

// Steps yields what there is to show: the current step at once, then each that
// follows. A viewer that is slow misses steps, never the latest. The last element
// is always an outcome: the LinkConnected step with a nil error, or an error,
// beside a step of which only Seq is set. That is the *LinkError of the attempt,
// or the context's error, where ctx ends before the attempt does.
//
// Any number of iterations may run, one after another or at the same time, also
// after the end. Leaving one changes nothing.
func (l *Link) Steps(ctx context.Context) iter.Seq2[LinkStep, error] {
	return func(yield func(LinkStep, error) bool) {
		seen := 0
		for {
			step, changed, err := l.at.latest()
			last := err != nil || step.State == LinkConnected
			switch {
			case last:
				yield(step.own(), err)
				return
			case ctx.Err() != nil:
				yield(LinkStep{Seq: seen}, ctx.Err())
				return
			case step.Seq > seen:
				seen = step.Seq
				if !yield(step.own(), nil) {
					return
				}
				continue // there may be news already
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	}
}

// Wait waits for the outcome: the connected account, or a *LinkError. Where ctx
// ends first it returns the context's error, and the attempt goes on.
func (l *Link) Wait(ctx context.Context) (*Account, error) {
	select {
	case <-l.at.done:
	default:
		select {
		case <-l.at.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	step, _, err := l.at.latest()
	if err != nil {
		return nil, err
	}
	return step.own().Account, nil
}

// Refresh asks for a new challenge now, for a person who wants one, and also once
// the automatic ones are used up. It returns nil when that is shown. Several at
// once are one. At most 20 are served per attempt; more match ErrRateLimited.
//
// The error matches ErrAuthInProgress where the phone is connecting or the API
// does not give a new challenge yet (the one that is shown stays), is
// the context's error where ctx ends first, and that of the API where it fails.
// After the end it is the outcome: the *LinkError, or ErrAlreadyConnected.
func (l *Link) Refresh(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case l.at.asks <- answer:
	case <-l.at.done:
		return l.at.over()
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-l.at.done:
		return l.at.over()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Cancel stops the attempt and waits until it has ended, which takes a few
// seconds where there is something to clean up: the last look at a new account. A
// phone that has answered by then, but takes longer to connect, comes too late. It returns nil when it has ended,
// however that was (the phone may have been faster, Wait tells), and the context's
// error where ctx ends first: the attempt is being cancelled all the same.
func (l *Link) Cancel(ctx context.Context) error {
	l.at.cancel(ErrLinkCanceled)
	return l.at.await(ctx)
}

// Detach lets go of the attempt without ending it, for a process that shuts down:
// from now on it sends nothing and cleans up nothing here, and its viewers are told a
// *LinkError that matches ErrLinkDetached. It returns when that is so, which takes
// longest where a refresh is on its way; State is then what ResumeLink goes on from.
// Where the attempt has ended before, that stays as it was: see LinkRecord.Ended.
// The error is the context's, where that ends first: it is let go all the same.
func (l *Link) Detach(ctx context.Context) error {
	l.at.cancel(ErrLinkDetached)
	return l.at.await(ctx)
}

// AccountID is the account being linked, or that was linked. It may change while
// the attempt runs, where the API has to create a new account for a new challenge.
func (l *Link) AccountID() string { return l.State().AccountID }

// State is what is needed to resume the attempt in another process; see
// LinkRecord. Save it after every step: a refresh may change the account.
func (l *Link) State() LinkRecord { return l.at.state() }

// Done is closed when the outcome is there.
func (l *Link) Done() <-chan struct{} { return l.at.done }

// Format implements fmt.Formatter: account and state, whatever the verb.
func (l Link) Format(f fmt.State, _ rune) { l.safe().format(f, "Link") }

// LogValue implements slog.LogValuer.
func (l Link) LogValue() slog.Value { return l.safe().logValue() }

func (l Link) safe() fields {
	if l.at == nil {
		return nil
	}
	rec := l.at.state()
	return fields{slog.String("AccountID", rec.AccountID), slog.String("State", string(rec.State))}
}
