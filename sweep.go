package postpress

import (
	"context"
	"net/http"
	"time"
)

// sweep reads the list of accounts, page by page, when more accounts are
// waited for than can be looked at one by one. Like a look, a page is read by
// one of those who wait, and the next page by whoever comes next.
type sweep struct {
	turn chan struct{} // whoever fills it reads a page

	// Under turn.
	cursor string
	failed int       // pages in a row that could not be read
	next   time.Time // when the next page may be read
}

const (
	pageSize     = 250 // the API's greatest
	sweepRest    = 5 * time.Second
	sweepPenalty = 30 * time.Second

	// patience is how long an account waits for the list to show it before it is
	// looked at by itself: some are on no list, and the list may be out of order.
	patience = 30 * time.Second
)

// sweepInstead reads a page of the list, or waits for what others read there.
// It is false when the list has not shown the account for too long.
func (ws *watchers) sweepInstead(ctx context.Context, w *watch, changed <-chan struct{}) bool {
	for left := w.patience(); left > 0; left = w.patience() {
		select {
		case ws.sweep.turn <- struct{}{}:
			ws.nextPage(ctx, changed)
			return true
		case <-changed:
			return true
		case <-ctx.Done():
			return true
		case <-time.After(left):
		}
	}
	return false
}

// nextPage reads the next page, unless the crowd has gone meanwhile.
func (ws *watchers) nextPage(ctx context.Context, changed <-chan struct{}) {
	s := &ws.sweep
	defer release(s.turn)
	if !sleep(ctx, changed, time.Until(s.next)) || !ws.crowded() || !ws.pace.pass(ctx, changed) {
		return
	}
	query, _ := ListOptions{Limit: pageSize, Cursor: s.cursor}.query() // both are right
	page := new(AccountPage)
	err := ws.client.exchange(ctx, &request{
		Method: http.MethodGet, Path: opList.path, Template: opList.template, Query: query,
		Wait: true, Timeout: defaultPollTimeout,
	}, page)
	if interrupted(err) {
		return
	}
	ws.pace.pause(throttled(err))
	for _, a := range page.Accounts {
		if w := ws.find(a.ID); w != nil {
			w.listed(a)
		}
	}
	s.turnPage(page.NextCursor, err)
}

func (s *sweep) turnPage(cursor string, err error) {
	if err != nil {
		s.failed++
		s.next = time.Now().Add(min(time.Duration(s.failed)*sweepRest, sweepPenalty))
		if s.failed > 1 {
			s.cursor = "" // it may be what fails
		}
		return
	}
	s.failed = 0
	if cursor == "" || cursor == s.cursor {
		s.cursor, s.next = "", time.Now().Add(sweepRest)
		return
	}
	s.cursor = cursor
}
