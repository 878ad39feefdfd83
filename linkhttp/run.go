package linkhttp

import (
	"context"
	"errors"
	"time"

	"github.com/postpress-ai/postpress-go"
)

const (
	cancelTimeout    = 30 * time.Second
	refreshTimeout   = 30 * time.Second
	connectedTimeout = 10 * time.Second
	connectedTries   = 3
)

// pollEvery is how often a follower looks, a lease being ten of it.
func (h *Handler) pollEvery() time.Duration { return max(h.cfg.LeaseTime/10, time.Millisecond) }

// run runs or follows an attempt until it has ended, or nobody here needs it.
func (h *Handler) run(a *attempt, l *lease) {
	for again := true; again; {
		if a.getLink() != nil {
			again = h.own(a, l)
		} else {
			again = h.follow(a, l)
		}
	}
}

// own passes the steps of a link on, to viewers and into the store, and renews the
// lease. It returns true where another replica has taken over.
func (h *Handler) own(a *attempt, l *lease) (again bool) {
	ctx, leave := context.WithCancel(h.ctx)
	defer leave()
	steps := make(chan event)
	h.running.Go(func() { h.pump(ctx, a, steps) })
	renew := time.NewTicker(max(h.cfg.LeaseTime/4, time.Millisecond))
	defer renew.Stop()
	closing := h.closing
	heeded := l.rec.Asks // a link that is resumed gets a new code by itself
	heeded.Cancel = false
	for {
		select {
		case e := <-steps:
			if a.ending() == "" || e.final() { // what is shown no more has expired, of course
				a.feed.publish(e)
			}
		case <-renew.C:
			h.endIdle(a)
		case <-closing:
			if h.shared {
				h.handOver(a, l)
				return false
			}
			closing = nil
			h.background(cancelTimeout, func(ctx context.Context) { a.cancel(ctx, "canceled") })
		case <-h.ctx.Done():
			return false
		}
		l.rec.Event, _ = a.feed.current()
		l.note(a.getLink().State())
		switch err := h.save(l); {
		case errors.Is(err, errTaken):
			h.lose(a)
			return true
		case l.rec.ended():
			return false
		}
		h.heed(a, &heeded, l.rec.Asks)
	}
}

// lose leaves an attempt that was too long without a sign of life to whoever has it now.
func (h *Handler) lose(a *attempt) {
	h.cfg.Logger.WarnContext(h.ctx, "linking taken over by another replica", "account", a.getLink().AccountID())
	l := a.getLink()
	h.background(cancelTimeout, func(ctx context.Context) { _ = l.Detach(ctx) }) // it is not ours to clean up
	a.setLink(nil)
	h.attempts.owns(a, false)
}

// pump turns the steps of the link into events, until ctx ends or the outcome is there.
func (h *Handler) pump(ctx context.Context, a *attempt, steps chan<- event) {
	began, l := time.Now(), a.getLink()
	for step, err := range l.Steps(ctx) {
		if ctx.Err() != nil || errors.Is(err, postpress.ErrLinkDetached) {
			return
		}
		e := eventOf(step)
		switch {
		case err != nil && a.ending() != "":
			e = event{Seq: step.Seq, State: stateFailed, Code: a.ending()}
		case err != nil:
			e = event{Seq: step.Seq, State: stateFailed, Code: codeOf(err)}
		case step.State == postpress.LinkConnected && !h.connected(ctx, a, step.Account):
			e = event{Seq: step.Seq, State: stateFailed, Code: "not_saved"}
		}
		if e.final() {
			h.cfg.Logger.InfoContext(ctx, "linking ended", "account", l.AccountID(), "state", string(e.State),
				"code", e.Code, "took", time.Since(began), "error", err)
		}
		select {
		case steps <- e:
		case <-ctx.Done():
			return
		}
	}
}

// connected tells the program, which must know before the browser does.
func (h *Handler) connected(ctx context.Context, a *attempt, account *postpress.Account) bool {
	if h.cfg.OnConnected == nil {
		return true
	}
	for try := 1; ; try++ {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectedTimeout)
		err := h.cfg.OnConnected(limited, a.user, account)
		cancel()
		if err == nil {
			return true
		}
		h.cfg.Logger.ErrorContext(ctx, "OnConnected failed", "account", account.ID, "try", try) // its text may hold anything
		if try == connectedTries {
			return false
		}
		select {
		case <-time.After(time.Duration(try) * time.Second):
		case <-ctx.Done():
			return false
		}
	}
}

// endIdle cancels an attempt that nobody watches, unless the phone has answered.
func (h *Handler) endIdle(a *attempt) {
	if last, _ := a.feed.current(); last.State != postpress.LinkConnecting && a.unwatched() >= h.cfg.IdleTimeout {
		h.background(cancelTimeout, func(ctx context.Context) { a.cancel(ctx, "idle") })
	}
}

// heed does what other replicas ask for, once.
func (h *Handler) heed(a *attempt, before *asks, now asks) {
	if now.Seen != before.Seen {
		a.touch()
	}
	if now.Refresh != before.Refresh {
		h.background(refreshTimeout, func(ctx context.Context) { _ = a.getLink().Refresh(ctx) })
	}
	if now.Cancel && !before.Cancel {
		h.background(cancelTimeout, func(ctx context.Context) { a.cancel(ctx, "canceled") })
	}
	*before = now
}

// background does something that waits for the API, on the handler's own time.
func (h *Handler) background(limit time.Duration, do func(context.Context)) {
	h.running.Go(func() {
		ctx, cancel := context.WithTimeout(h.ctx, limit)
		defer cancel()
		do(ctx)
	})
}

// handOver leaves the attempt to the other replicas.
func (h *Handler) handOver(a *attempt, l *lease) {
	ctx, cancel := context.WithTimeout(h.ctx, cancelTimeout)
	defer cancel()
	_ = a.getLink().Detach(ctx) // else the lease runs out
	l.note(a.getLink().State())
	if err := l.giveBack(h.ctx); err != nil {
		h.cfg.Logger.WarnContext(h.ctx, "an attempt could not be given back", "error", err)
	}
}

// save saves as the owner. What goes wrong is logged; only errTaken matters.
func (h *Handler) save(l *lease) error {
	err := l.save(h.ctx)
	if err != nil && h.ctx.Err() == nil && !errors.Is(err, errTaken) {
		h.cfg.Logger.WarnContext(h.ctx, "an attempt could not be saved", "error", err)
	}
	return err
}
