package linkhttp

import (
	"context"
	"time"
)

// follower looks at the record of an attempt that another replica runs.
type follower struct {
	h *Handler
	a *attempt
	l *lease

	beat  int       // of the record, when it last changed
	since time.Time // and when that was seen first; zero where nothing is known
	last  event     // published last
	told  time.Time // when the owner was last told that somebody watches
}

type verdict int

const (
	goOn verdict = iota
	over         // ended, or not needed any more
	ours         // taken over
)

// follow passes on what the owner saves, and what viewers want of it, until the attempt
// has ended, is taken over (true), or nobody here looks at it any more.
func (h *Handler) follow(a *attempt, l *lease) (again bool) {
	f := &follower{h: h, a: a, l: l}
	poll := time.NewTicker(h.pollEvery())
	defer poll.Stop()
	for {
		switch f.look(h.ctx) {
		case over:
			return false
		case ours:
			return true
		}
		select {
		case <-poll.C:
		case <-a.kick:
		case <-h.closing:
			return false
		}
	}
}

func (f *follower) look(ctx context.Context) verdict {
	ok, err := f.l.load(ctx)
	switch {
	case err != nil:
		f.since = time.Time{} // silence that nobody has listened to proves nothing
		return f.unneeded()
	case !ok || f.l.rec.Nonce != f.a.nonceIs():
		f.a.feed.publish(event{State: stateFailed, Code: "lost"})
		return over
	}
	f.publish(f.l.rec.Event)
	if f.l.rec.ended() {
		return over
	}
	if f.abandoned() {
		return f.takeOver(ctx)
	}
	f.passOn(ctx)
	return f.unneeded()
}

// publish shows a step once. Its number may be below that of the last one shown, where
// this process has run the attempt and another one goes on from an earlier step.
func (f *follower) publish(e event) {
	shown, _ := f.a.feed.current()
	if e.Seq == 0 || e.Seq == f.last.Seq || (f.last.Seq == 0 && e.Seq == shown.Seq) {
		return
	}
	f.last = e
	f.a.feed.publish(e)
}

// abandoned tells whether the owner has given the attempt back, or has shown no
// sign of life for a whole lease, by the clock of this process alone.
func (f *follower) abandoned() bool {
	if f.since.IsZero() || f.beat != f.l.rec.Beat {
		f.beat, f.since = f.l.rec.Beat, time.Now()
	}
	return f.l.rec.Owner == "" || time.Since(f.since) >= f.h.cfg.LeaseTime
}

// takeOver makes the attempt this process's, unless another one was faster.
func (f *follower) takeOver(ctx context.Context) verdict {
	wishes := f.a.pending()
	before := f.l.rec.Asks
	f.l.rec.Asks = before.plus(wishes)
	if swapped, err := f.l.take(ctx); err != nil || !swapped {
		return goOn
	}
	f.a.passed(wishes)
	if err := f.h.launch(f.a, f.l); err != nil {
		return over
	}
	f.h.attempts.owns(f.a, true)
	f.h.cfg.Logger.InfoContext(ctx, "linking taken over", "account", f.a.getLink().AccountID())
	return ours
}

// passOn asks of the owner what viewers want, and now and then tells that there are any.
func (f *follower) passOn(ctx context.Context) {
	wishes := f.a.pending()
	if f.a.unwatched() == 0 && time.Since(f.told) >= f.h.cfg.IdleTimeout/4 {
		wishes.Seen++
	}
	if wishes == (asks{}) {
		return
	}
	f.l.rec.Asks = f.l.rec.Asks.plus(wishes)
	if swapped, err := f.l.write(ctx); err != nil || !swapped {
		return // again at the next look
	}
	if wishes.Seen > 0 {
		f.told = time.Now()
		wishes.Seen = 0
	}
	f.a.passed(wishes)
}

// unneeded gives the attempt up where nobody has looked at it for two leases: long
// enough to see a cancel through where the owner has died.
func (f *follower) unneeded() verdict {
	if f.h.attempts.removeUnwatched(f.a, 2*f.h.cfg.LeaseTime) {
		return over
	}
	return goOn
}

func (a *attempt) nonceIs() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.nonce
}
