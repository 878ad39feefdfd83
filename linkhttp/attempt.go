package linkhttp

import (
	"context"
	"sync"
	"time"
)

// attempt is a linking attempt as this process knows it: one that it runs itself,
// or one that another replica runs and this one follows.
type attempt struct {
	slot, user string
	feed       *feed
	ready      chan struct{} // closed when it is known whether it could be started
	gone       chan struct{} // closed when this process has done with it
	kick       chan struct{} // has the follower look now
	own        bool          // guarded by the registry

	mu      sync.Mutex
	nonce   string
	problem *Problem // why it could not be started
	link    link     // nil while another replica runs it
	reason  string   // the code of a failure that we have asked for
	viewers int
	seen    time.Time // when a viewer was last here
	wishes  asks      // for the owner, where that is another replica: not passed on yet
}

func newAttempt(slot, user string) *attempt {
	return &attempt{
		slot: slot, user: user, feed: newFeed(), seen: time.Now(),
		ready: make(chan struct{}), gone: make(chan struct{}), kick: make(chan struct{}, 1),
	}
}

// id is known once the attempt is ready.
func (a *attempt) id() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.slot + a.nonce
}

// join counts a viewer, unless there are too many.
func (a *attempt) join(limit int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.viewers >= limit {
		return false
	}
	a.viewers++
	return true
}

func (a *attempt) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.viewers--
	a.seen = time.Now()
}

// touch is a sign of a viewer that is not counted here.
func (a *attempt) touch() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = time.Now()
}

// unwatched is how long nobody has been here.
func (a *attempt) unwatched() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.viewers > 0 {
		return 0
	}
	return time.Since(a.seen)
}

func (a *attempt) setLink(l link) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.link = l
}

func (a *attempt) getLink() link {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.link
}

// wish leaves something for the follower to ask of the owner.
func (a *attempt) wish(change func(*asks)) {
	a.mu.Lock()
	change(&a.wishes)
	a.mu.Unlock()
	select {
	case a.kick <- struct{}{}:
	default:
	}
}

// pending are the wishes that were not passed on yet.
func (a *attempt) pending() asks {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.wishes
}

// passed forgets wishes that the store has.
func (a *attempt) passed(w asks) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wishes.Seen -= w.Seen
	a.wishes.Refresh -= w.Refresh
	a.wishes.Cancel = a.wishes.Cancel && !w.Cancel
}

// cancel ends an attempt that this process runs, and waits for that as long as ctx
// lasts; the code is what viewers are told. Cancelling twice is one cancel.
func (a *attempt) cancel(ctx context.Context, code string) {
	a.mu.Lock()
	l := a.link
	if a.reason != "" || l == nil {
		a.mu.Unlock()
		return
	}
	a.reason = code
	a.feed.publish(event{State: stateEnding})
	a.mu.Unlock()
	_ = l.Cancel(ctx) // it goes on where ctx ends first
}

// ending gives the code of the end that was asked for, or "".
func (a *attempt) ending() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reason
}
