package postpress

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Defaults of a wait. The five minutes are documented by the API; the rest is
// chosen so that a held request is renewed before most proxies cut it.
const (
	intentLifetime     = 5 * time.Minute
	defaultWaitTimeout = intentLifetime + 30*time.Second
	defaultPollTimeout = 25 * time.Second
	defaultMinInterval = 2 * time.Second
	defaultMaxInterval = 15 * time.Second
	notFoundGrace      = 15 * time.Second
)

// WaitForConnection waits until the account is connected and returns it. It
// reads the account again and again: the API may hold each request open until
// the account is connected, may answer at once, and something in between may
// cut it; all of that is part of waiting. It ends early where waiting is
// pointless: the key is refused (ErrUnauthorized, ErrForbidden), the account
// failed or must be linked anew (ErrConnectionFailed), the five minutes of the
// attempt are over (ErrIntentExpired), the API asks for something else than the
// phone (ErrUnsupportedCheckpoint, by a *StartError that holds the checkpoint), or
// there is no such account (ErrNotFound, after 15 s, since a new account may not be
// readable at once).
//
// Without a deadline on ctx or WithWaitTimeout it gives up after five and a
// half minutes. Every error but a bad argument is a *WaitError: it
// holds the last status, and matches the context's error and the last API error alike.
//
// With WithStatusBus it looks at the moment somebody hints at the account, and
// seldom otherwise. Any number of goroutines may wait. Waits for one account share their
// requests, made with the options of whoever makes them; all waits of the
// client stay within WithPollRate. No goroutine is started.
func (c *Client) WaitForConnection(ctx context.Context, accountID string, opts ...WaitOption) (*Account, error) {
	cfg := waitConfig{pollTimeout: defaultPollTimeout, minInterval: defaultMinInterval, maxInterval: defaultMaxInterval}
	for _, opt := range opts {
		if opt != nil {
			opt(&cfg)
		}
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	op, err := opGet.at(accountID)
	if err != nil {
		return nil, err
	}
	if _, bounded := ctx.Deadline(); !bounded && cfg.waitTimeout == 0 {
		cfg.waitTimeout = defaultWaitTimeout
	}
	if cfg.waitTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cfg.waitTimeout)
		defer cancel()
	}
	w := &waiter{cfg: cfg, id: accountID, op: op, all: c.watchers, began: time.Now(), state: judge{reconnect: cfg.reconnect}}
	return w.run(ctx)
}

// WaitOption changes one wait.
type WaitOption func(*waitConfig)

type waitConfig struct {
	minInterval, maxInterval time.Duration
	pollTimeout, waitTimeout time.Duration
	waitTimeoutSet           bool
	progress                 func(WaitProgress)
	reconnect                bool
}

// WithPollInterval sets the least and the greatest time between two requests
// where the API answers at once instead of holding them; defaults 2 s and 15 s,
// at most 24 h. The interval grows from the one to the other, with jitter, and
// begins anew when the status changes.
func WithPollInterval(min, max time.Duration) WaitOption {
	return func(c *waitConfig) { c.minInterval, c.maxInterval = min, max }
}

// WithPollTimeout bounds one request, which the API may hold open; default
// 25 s. It is shortened while more accounts are waited for than connections are kept open.
func WithPollTimeout(d time.Duration) WaitOption {
	return func(c *waitConfig) { c.pollTimeout = d }
}

// WithWaitTimeout bounds the whole wait, beside the context's deadline.
func WithWaitTimeout(d time.Duration) WaitOption {
	return func(c *waitConfig) { c.waitTimeout, c.waitTimeoutSet = d, true }
}

// WithProgress calls f after every answer, from the waiting goroutine: what f
// takes, the wait takes longer. Answers that come meanwhile are told as one.
func WithProgress(f func(WaitProgress)) WaitOption {
	return func(c *waitConfig) { c.progress = f }
}

// WithReconnect waits for an account that is being linked again: the status it
// has at first (CREDENTIALS, STOPPED, ERROR or PERMISSIONS) is where the
// reconnection starts from, no failure, as long as it has not changed.
func WithReconnect() WaitOption {
	return func(c *waitConfig) { c.reconnect = true }
}

// WaitProgress is what a wait knows after an answer.
type WaitProgress struct {
	// AccountID is the account waited for.
	AccountID string
	// Status is the last one read; empty as long as the API has told none.
	Status Status
	// Polls counts the answers so far, requests that were held and cut included.
	Polls int
	// Elapsed is the time since the wait began.
	Elapsed time.Duration
	// Err is why the last request told nothing; nil where it did, or was
	// merely held until its time-out.
	Err error
}

func (c waitConfig) validate() error {
	switch {
	case c.minInterval <= 0 || c.maxInterval < c.minInterval || c.maxInterval > 24*time.Hour:
		return &ArgumentError{"WithPollInterval", "must be 0 < min <= max <= 24h"}
	case c.pollTimeout <= 0:
		return &ArgumentError{"WithPollTimeout", "must be positive"}
	case c.waitTimeoutSet && c.waitTimeout <= 0:
		return &ArgumentError{"WithWaitTimeout", "must be positive"}
	}
	return nil
}

// WaitError is a wait that ended without a connected account. It is always used as a pointer.
type WaitError struct {
	// AccountID is the account waited for.
	AccountID string
	// LastStatus is the last one read; empty where the API has told none.
	LastStatus Status
	// Polls counts the answers, requests that were held and cut included.
	Polls int
	// Elapsed is how long the wait was.
	Elapsed time.Duration
	// Err is why it ended. Where that is the context, Err matches both the
	// context's error and the last API error, if the last answer was one.
	Err error
}

// Error implements error.
func (e *WaitError) Error() string {
	return fmt.Sprintf("postpress: waiting for account %s: %s (last status %s, polls %d, waited %v)",
		oneLine(e.AccountID), strings.TrimPrefix(fmt.Sprint(e.Err), "postpress: "),
		orDefault(oneLine(string(e.LastStatus)), "unknown"), e.Polls, e.Elapsed.Round(time.Millisecond))
}

// Unwrap gives Err.
func (e *WaitError) Unwrap() error { return e.Err }

// Format implements fmt.Formatter: every verb prints the text of Error.
func (e *WaitError) Format(f fmt.State, _ rune) { formatError(f, e == nil, e) }

// waiter is one call of WaitForConnection.
type waiter struct {
	cfg   waitConfig
	id    string
	op    operation
	all   *watchers
	watch *watch
	began time.Time

	seen  int // sequence number of the last observation judged, or passed over
	polls int
	state judge
}

// run judges what becomes known of the account, and sees to it that something
// does: one of those who wait for an account has its turn and reads, the
// others wait for what that brings, and one of them goes on when it leaves.
func (w *waiter) run(ctx context.Context) (*Account, error) {
	w.watch, w.seen = w.all.join(w.id, w.cfg.minInterval)
	defer w.all.leave(w.watch)
	w.watch.subscribe(w.all.bus)
	for {
		last, changed := w.watch.latest()
		if last.seq > w.seen {
			if a, err, done := w.observe(last); done {
				return a, err
			}
		}
		if ctx.Err() != nil {
			return nil, w.fail(w.state.givenUp(ctx))
		}
		select {
		case <-changed:
		case <-ctx.Done():
		case w.watch.turn <- struct{}{}:
			w.all.advance(ctx, w, changed)
		}
	}
}

func (w *waiter) observe(o observation) (_ *Account, err error, done bool) {
	w.polls += o.seq - w.seen
	w.seen = o.seq
	connected, err := w.state.judge(o)
	if w.cfg.progress != nil {
		w.cfg.progress(WaitProgress{w.id, w.state.status, w.polls, time.Since(w.began), w.state.last})
	}
	switch {
	case err != nil:
		return nil, w.fail(err), true
	case connected:
		a := *o.account // everybody gets one of their own
		return &a, nil, true
	}
	return nil, nil, false
}

func (w *waiter) fail(err error) error {
	return &WaitError{AccountID: w.id, LastStatus: w.state.status, Polls: w.polls, Elapsed: time.Since(w.began), Err: err}
}
