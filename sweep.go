package postpress

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// sweep reads the list of accounts, page by page, when more accounts are
// waited for than can be looked at one by one. Like a look, a page is read by one
// of those who wait, and the next page by whoever comes next.
type sweep struct {
	turn  chan struct{} // whoever fills it reads a page
	pages *pace

	// Under turn.
	cursor string
	began  time.Time // of the pass
	next   time.Time // when the next pass may begin

	done atomic.Int64 // passes completed; 0 before the first
}

const (
	pageSize    = 250 // the API's greatest
	sweepRest   = 2 * time.Second
	sweepBroken = 30 * time.Second
)

// sweepInstead reads a page of the list, or waits until somebody has. It is
// false for an account that the last complete pass has not seen while somebody
// else is sweeping: that has to be looked at by itself.
func (ws *watchers) sweepInstead(ctx context.Context, w *watch, changed <-chan struct{}) bool {
	s := &ws.sweep
	if w.unlisted(s.done.Load()) {
		select {
		case s.turn <- struct{}{}:
		default:
			return false
		}
	} else {
		select {
		case s.turn <- struct{}{}:
		case <-changed:
			return true
		case <-ctx.Done():
			return true
		}
	}
	defer func() { <-s.turn }()
	if !ws.crowded(ws.count()) {
		return false // it has emptied meanwhile
	}
	if sleep(ctx, changed, time.Until(s.next)) && s.pages.pass(ctx, changed, 2*ws.perRequest()) {
		ws.readPage(ctx)
	}
	return true
}

func (w *watch) unlisted(passes int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return passes > 0 && w.pass < passes
}

// readPage reads the next page and tells the waits what it says.
func (ws *watchers) readPage(ctx context.Context) {
	s := &ws.sweep
	if s.cursor == "" {
		s.began = time.Now()
	}
	query, _ := ListOptions{Limit: pageSize, Cursor: s.cursor}.query() // both are right
	req := request{
		Method: http.MethodGet, Path: opList.path, Template: opList.template, Query: query,
		Wait: true, Timeout: defaultPollTimeout,
	}
	page := new(AccountPage)
	if err := ws.client.exchange(ctx, &req, page); err != nil {
		if ctx.Err() == nil {
			ws.pause(throttled(err))
			s.endPass(2, sweepBroken) // what was seen in half a pass does not count
		}
		return
	}
	for _, a := range page.Accounts {
		if w := ws.find(a.ID); w != nil {
			w.listed(a, s.done.Load()+1)
		}
	}
	if repeated := page.NextCursor == s.cursor; page.NextCursor == "" || repeated {
		s.endPass(1, max(sweepRest, time.Since(s.began)))
		return
	}
	s.cursor = page.NextCursor
}

func (s *sweep) endPass(n int64, rest time.Duration) {
	s.done.Add(n)
	s.cursor, s.next = "", time.Now().Add(rest)
}

// listed takes note of an account in the list. The list may tell the good news
// and what is pending; that an account failed is checked by a look of its own.
func (w *watch) listed(a *Account, pass int64) {
	status := a.Status()
	w.mu.Lock()
	failed := status.Terminal() && !status.Connected()
	news := w.last.account == nil || w.last.account.Status() != status
	w.pass = pass
	if failed {
		w.pass, w.due = 0, time.Now()
	}
	w.mu.Unlock()
	if news && !failed {
		w.record(a, nil)
	}
}
