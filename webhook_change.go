package postpress

import (
	"container/list"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

const (
	changeHold   = 5 * time.Second // the API may hold the read of a pending account
	maxChanges   = 10_000          // accounts remembered
	changeMemory = time.Hour       // for how long
)

// changes turns hints into calls of OnChange. It has no goroutine and no timer of
// its own: the request that brings a hint makes the read, and is answered after
// it. Requests that come while it waits for its time wait with it, and
// get its answer: no event is taken for told that was not, and so none is lost.
type changes struct {
	client  *Client
	tell    func(context.Context, *Account) error
	closing <-chan struct{} // closed when reads must not be put off any longer

	mu    sync.Mutex
	known map[string]*change
	order *list.List // of *change, the one hinted at last in front
}

// change is what is known of an account.
type change struct {
	id    string
	place *list.Element
	at    time.Time     // of the last hint
	users int           // requests at work on it: not forgotten while there are any
	next  *hints        // those the next read is for; nil where none is due
	turn  chan struct{} // whoever fills it reads, calls, and uses the fields below

	reads spacing
	told  Status // what OnChange was called with last: an account that is gone stays so for late events
}

// hints are the events that lead to one read, and what came of it.
type hints struct {
	settled bool   // one says something else than CONNECTING
	gone    Status // DELETED or CREATION_FAIL: there may be nothing left to read

	done    chan struct{} // closed with the outcome
	outcome webhookOutcome
}

func newChanges(c *Client, tell func(context.Context, *Account) error, closing <-chan struct{}) *changes {
	return &changes{client: c, tell: tell, closing: closing, known: make(map[string]*change), order: list.New()}
}

// follow goes after a hint, alone or with others.
func (cs *changes) follow(ctx context.Context, d *webhookDelivery, e *WebhookEvent) webhookOutcome {
	c, with, first := cs.join(e)
	if !first {
		select {
		case <-with.done:
			return with.outcome
		case <-ctx.Done():
			return unavailable(ctx.Err())
		}
	}
	defer cs.leave(c)
	with.outcome = cs.catchUp(ctx, d, c)
	close(with.done)
	return with.outcome
}

// catchUp reads an account, when that is due, and calls OnChange if there is a change.
func (cs *changes) catchUp(ctx context.Context, d *webhookDelivery, c *change) webhookOutcome {
	err := c.await(ctx, cs.closing)
	why := cs.take(c)
	if err != nil {
		return unavailable(err)
	}
	defer func() { <-c.turn }()
	c.reads.take()
	a, err := cs.look(ctx, c, why)
	switch {
	case err != nil:
		return unavailable(err)
	case a == nil || a.Status() == "":
		return webhookOutcome{code: http.StatusOK}
	}
	if err := d.guard(ctx, func(ctx context.Context) error { return cs.tell(ctx, a) }); err != nil {
		return callbackFailed("OnChange", err)
	}
	c.told = a.Status()
	return webhookOutcome{code: http.StatusOK}
}

func unavailable(err error) webhookOutcome {
	return webhookOutcome{code: http.StatusServiceUnavailable, problem: "reading the account failed", err: err}
}

// join adds a hint to the next read, which is for the first one to make.
func (cs *changes) join(e *WebhookEvent) (c *change, with *hints, first bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c = cs.known[e.AccountID]
	if c == nil {
		c = &change{id: e.AccountID, turn: make(chan struct{}, 1)}
		c.place = cs.order.PushFront(c)
		cs.known[c.id] = c
	}
	c.at = time.Now()
	cs.order.MoveToFront(c.place)
	if first = c.next == nil; first {
		c.next = &hints{done: make(chan struct{})}
		c.users++
	}
	c.next.add(e.Status)
	cs.forget()
	return c, c.next, first
}

func (h *hints) add(s Status) {
	h.settled = h.settled || s != StatusConnecting
	if isGone(s) {
		h.gone = s
	}
}

func isGone(s Status) bool { return s.severity() >= creationFailed }

// forget the accounts not heard of for long, and the longest silent ones of too many.
func (cs *changes) forget() {
	for e := cs.order.Back(); e != nil; {
		c, before := e.Value.(*change), e.Prev()
		if len(cs.known) <= maxChanges && time.Since(c.at) < changeMemory {
			return
		}
		if c.users == 0 {
			cs.order.Remove(e)
			delete(cs.known, c.id)
		}
		e = before
	}
}

// await the turn to read, and the time for the next read.
func (c *change) await(ctx context.Context, closing <-chan struct{}) error {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	sleep(ctx, closing, time.Until(c.reads.next()))
	if err := ctx.Err(); err != nil {
		<-c.turn
		return err
	}
	return nil
}

// take the hints that have come so far, just before the read that answers them all.
func (cs *changes) take(c *change) *hints {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	why := c.next
	c.next = nil
	return why
}

func (cs *changes) leave(c *change) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c.users--
}

// look reads the account. It is nil where there is no news: the account is being
// linked, as the hints say, and the API holds the request until that is over.
func (cs *changes) look(ctx context.Context, c *change, why *hints) (*Account, error) {
	op, err := opGet.at(c.id)
	if err != nil {
		return nil, err
	}
	a := new(Account)
	err = cs.client.exchange(ctx, &request{
		Method: op.method, Path: op.path, Template: op.template, Wait: true, Timeout: changeHold,
	}, a)
	if err == nil {
		a.ID = orDefault(a.ID, c.id)
		return a, nil
	}
	gone := why.gone
	if gone == "" && isGone(c.told) {
		gone = c.told // and this is a late event
	}
	switch {
	case gone != "" && hasEnded(err):
		return &Account{ID: c.id, Sources: []Source{{Status: gone}}}, nil
	case !why.settled && errors.Is(err, ErrTimeout):
		return nil, nil
	}
	return nil, err
}

// hasEnded tells whether the API answers as it does for an account that was
// deleted (404), or whose linking has ended (408, then 400).
func hasEnded(err error) bool {
	var e *APIError
	return errors.As(err, &e) && (e.StatusCode == http.StatusNotFound ||
		e.StatusCode == http.StatusRequestTimeout || e.StatusCode == http.StatusBadRequest)
}
