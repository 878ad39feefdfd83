package postpress

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// attempt is what a Link and its engine share: what is told of the attempt, and
// the ways to ask something of it.
type attempt struct {
	client *Client
	req    LinkRequest
	cfg    linkConfig
	cancel context.CancelCauseFunc
	ended  func() // the key is free again

	asks   chan chan<- error // refreshes asked for
	ending chan struct{}     // closed when the attempt takes no more part in anything
	done   chan struct{}     // closed with the outcome

	mu      sync.Mutex
	rec     LinkRecord
	step    LinkStep // the current one
	err     error    // the outcome, where it is one
	changed chan struct{}
}

// startLink sends the start, and begins to watch what comes of it.
func (c *Client) startLink(ctx context.Context, req LinkRequest, cfg linkConfig, idempotencyKey string, ended func()) (*Link, error) {
	rec := newLinkRecord(req, cfg)
	res, err := c.connectWhatsApp(ctx, req, req.AccountID, idempotencyKey)
	if err != nil {
		return nil, suggestQR(err, rec.Pairing)
	}
	rec.AccountID = res.AccountID
	var cp *Checkpoint
	if rec.ReconnectID != "" || res.Checkpoint != nil { // else a new account is connected at once
		if cp, err = challenge(res, nil, req.want()); err != nil {
			return nil, err
		}
	}
	if rec.ReconnectID == "" {
		rec.Created = []string{res.AccountID}
	}
	return c.begin(req, cfg, rec, ended, func(e *engine) { e.show(res.AccountID, cp) }), nil
}

// resumeLink watches what the attempt has left, and gets a new challenge.
func (c *Client) resumeLink(req LinkRequest, cfg linkConfig, rec LinkRecord, ended func()) *Link {
	rec.Created = slices.Clone(rec.Created)
	rec.LeftOver = nil
	return c.begin(req, cfg, rec, ended, func(e *engine) {
		for _, id := range e.accounts() {
			e.wait(id)
		}
		e.publish(LinkStep{State: LinkExpired})
		if e.left() > 0 {
			e.renew(false, time.Time{})
		}
	})
}

// connectWhatsApp is a start for the account with the id, or for a new one where that is empty.
func (c *Client) connectWhatsApp(ctx context.Context, req LinkRequest, id, idempotencyKey string) (*ConnectResult, error) {
	key := WithIdempotencyKey(idempotencyKey)
	if id == "" {
		return c.ConnectAccount(ctx, req.connectRequest(), key)
	}
	return c.ReconnectAccount(ctx, id, req.connectRequest(), key)
}

// begin starts the engine. The attempt has a context of its own: it is nobody's
// request that ends it.
func (c *Client) begin(req LinkRequest, cfg linkConfig, rec LinkRecord, ended func(), first func(*engine)) *Link {
	root, cancel := context.WithCancelCause(context.Background())
	ctx, stop := context.WithDeadlineCause(root, rec.Deadline, errLinkTimeUp)
	watching, unwatch := context.WithCancel(ctx)
	at := &attempt{
		client: c, req: req, cfg: cfg, cancel: cancel, ended: ended, rec: rec,
		asks: make(chan chan<- error), ending: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{}),
	}
	e := &engine{
		attempt: at, ctx: ctx, watching: watching, unwatch: unwatch,
		heard: make(chan report), renewed: make(chan renewal, 1), waits: make(map[string]time.Time), holds: make(map[string]bool),
	}
	first(e)
	go func() {
		defer stop()
		e.run()
	}()
	return &Link{at}
}

func (at *attempt) isEnding() bool {
	select {
	case <-at.ending:
		return true
	default:
		return false
	}
}

func (at *attempt) latest() (LinkStep, <-chan struct{}, error) {
	at.mu.Lock()
	defer at.mu.Unlock()
	return at.step, at.changed, at.err
}

func (at *attempt) state() LinkRecord {
	at.mu.Lock()
	defer at.mu.Unlock()
	rec := at.rec
	rec.Created, rec.LeftOver, rec.Needs = slices.Clone(rec.Created), slices.Clone(rec.LeftOver), slices.Clone(rec.Needs)
	return rec
}

// note changes the record.
func (at *attempt) note(change func(*LinkRecord)) {
	at.mu.Lock()
	defer at.mu.Unlock()
	change(&at.rec)
}

// accounts are all that the attempt is about, the current one last.
func (at *attempt) accounts() []string {
	rec := at.state()
	all := append(rec.Created, rec.ReconnectID)
	all = slices.DeleteFunc(all, func(id string) bool { return id == "" || id == rec.AccountID })
	return append(all, rec.AccountID)
}

// left is how many refreshes are left that need nobody to ask for them.
func (at *attempt) left() int { return at.cfg.times - at.state().Refreshes }

// publish makes step the current one.
func (at *attempt) publish(step LinkStep) {
	at.mu.Lock()
	defer at.mu.Unlock()
	if at.step.State == step.State && step.State != LinkShow {
		return // nothing new
	}
	at.tell(step)
}

// tell numbers a step and wakes the viewers. Under mu.
func (at *attempt) tell(step LinkStep) {
	at.rec.Seq++
	at.rec.State = step.State
	if step.Checkpoint != nil {
		at.rec.ExpiresAt = step.Checkpoint.ExpiresAt.UTC().Round(0)
	}
	step.Seq = at.rec.Seq
	at.step = step
	close(at.changed)
	at.changed = make(chan struct{})
}

// conclude tells the outcome: an account, or why there is none.
func (at *attempt) conclude(a *Account, leftOver []string, err error) {
	at.ended()
	at.mu.Lock()
	defer at.mu.Unlock()
	at.rec.Ended, at.rec.LeftOver = !errors.Is(err, ErrLinkDetached), leftOver
	if a != nil {
		at.rec.AccountID = a.ID
	}
	if err != nil {
		at.err = &LinkError{AccountID: at.rec.AccountID, LeftOver: slices.Clone(leftOver), Err: err}
		at.tell(LinkStep{})
	} else {
		at.tell(LinkStep{State: LinkConnected, Account: a})
	}
	close(at.done)
}

func (at *attempt) await(ctx context.Context) error {
	select {
	case <-at.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// over is what a Refresh is told after the end.
func (at *attempt) over() error {
	if _, _, err := at.latest(); err != nil {
		return err
	}
	return ErrAlreadyConnected
}

func (at *attempt) expired(now time.Time) bool {
	step, _, _ := at.latest()
	return step.State == LinkShow && !now.Before(step.Checkpoint.ExpiresAt)
}
