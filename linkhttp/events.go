package linkhttp

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// reconnectAfter is what browsers are told, EventSource's own default being several
// seconds; and up to as much again, so that they do not all come at once after a restart.
const reconnectAfter = time.Second

// find gives the user's attempt with this id: one that this process runs or
// follows, or one that the store has.
func (h *Handler) find(ctx context.Context, user, id string) (*attempt, *Problem) {
	slot, nonce, ok := splitID(id)
	if !ok {
		return nil, problem(http.StatusNotFound, "not_found")
	}
	a := h.attempts.find(slot)
	if a == nil {
		var p *Problem
		if a, p = h.fetch(ctx, slot, nonce, user); p != nil {
			return nil, p
		}
	}
	select {
	case <-a.ready:
	case <-ctx.Done():
		return nil, problem(http.StatusServiceUnavailable, "unavailable")
	}
	if a.user != user || a.nonceIs() != nonce {
		return nil, problem(http.StatusNotFound, "not_found")
	}
	return a, nil
}

// fetch gets an attempt from the store, and follows it if it has not ended.
func (h *Handler) fetch(ctx context.Context, slot, nonce, user string) (*attempt, *Problem) {
	a := newAttempt(slot, user)
	l := h.leaseOf(a)
	ok, err := l.load(ctx)
	switch {
	case err != nil:
		h.cfg.Logger.WarnContext(ctx, "the store cannot be reached", "error", err)
		return nil, &Problem{http.StatusServiceUnavailable, "unavailable", wordsFor("unavailable"), retrySoon}
	case !ok || l.rec.User != user || l.rec.Nonce != nonce:
		return nil, problem(http.StatusNotFound, "not_found")
	}
	a.feed.publish(l.rec.Event)
	a.settle(nonce, nil)
	if l.rec.ended() {
		close(a.gone)
		return a, nil
	}
	first, added := h.attempts.add(a, &h.running)
	if added {
		go func() {
			defer h.running.Done()
			defer h.attempts.remove(a)
			h.run(a, l)
		}()
	}
	return first, nil
}

func (h *Handler) postRefresh(w http.ResponseWriter, r *http.Request, user, id string) *Problem {
	a, p := h.find(r.Context(), user, id)
	if p != nil {
		return p
	}
	if l := a.getLink(); l != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), refreshTimeout)
		defer cancel()
		if err := l.Refresh(ctx); err != nil {
			return refreshProblem(err)
		}
	} else {
		a.wish(func(w *asks) { w.Refresh++ })
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// deleteLink cancels, and answers when the attempt has ended, so that the next start is a new one.
func (h *Handler) deleteLink(w http.ResponseWriter, r *http.Request, user, id string) *Problem {
	a, p := h.find(r.Context(), user, id)
	if p != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), cancelTimeout)
	defer cancel()
	if a.getLink() == nil {
		a.wish(func(w *asks) { w.Cancel = true })
	} else {
		a.cancel(ctx, "canceled")
	}
	select {
	case <-a.gone:
	case <-r.Context().Done():
	case <-ctx.Done():
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// getEvents streams the steps to one viewer.
func (h *Handler) getEvents(w http.ResponseWriter, r *http.Request, user, id string) *Problem {
	a, p := h.find(r.Context(), user, id)
	if p != nil {
		return p
	}
	if !a.join(h.cfg.MaxViewers) {
		return &Problem{http.StatusTooManyRequests, "too_many_tabs", wordsFor("too_many_tabs"), retryLater}
	}
	defer a.leave()
	seen, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	if last, _ := a.feed.current(); last.final() && last.Seq == seen {
		w.WriteHeader(http.StatusNoContent) // tells an EventSource not to come back
		return nil
	}
	s := &stream{w: w, control: http.NewResponseController(w), limit: h.cfg.WriteTimeout}
	s.open()
	defer s.close()
	heartbeat := time.NewTicker(h.cfg.Heartbeat)
	defer heartbeat.Stop()
	for {
		last, changed := a.feed.current()
		if last.Seq != 0 && last.Seq != seen {
			if !s.step(last) || last.final() {
				return nil
			}
			seen = last.Seq
		}
		select {
		case <-changed:
		case <-heartbeat.C:
			if !s.write([]byte(": still here\n\n")) {
				return nil
			}
		case <-r.Context().Done():
			return nil
		case <-h.closing:
			return nil
		}
	}
}

// stream writes server-sent events, each within a limit: a viewer whose connection
// takes nothing any more must not hold a goroutine for good.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration
}

func (s *stream) open() {
	s.w.Header().Set("Content-Type", "text/event-stream")
	s.w.Header().Set("X-Accel-Buffering", "no") // nginx would collect the events
	s.w.WriteHeader(http.StatusOK)
	retry := reconnectAfter + rand.N(reconnectAfter)
	s.write(fmt.Appendf(nil, "retry: %d\n\n", retry.Milliseconds()))
}

// step writes an event, in one write.
func (s *stream) step(e event) bool {
	data, err := e.data(time.Now())
	if err != nil { // the API gave a text that is too long for a QR code
		data, _ = event{State: stateFailed, Code: "failed"}.data(time.Now())
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %d\nevent: step\ndata: %s\n\n", e.Seq, data)
	return s.write(b.Bytes())
}

func (s *stream) write(b []byte) bool {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.limit)) // replaces http.Server.WriteTimeout
	if _, err := s.w.Write(b); err != nil {
		return false
	}
	return s.control.Flush() == nil
}

// close takes the limit off the connection, which goes on to the next request.
func (s *stream) close() { _ = s.control.SetWriteDeadline(time.Time{}) }
