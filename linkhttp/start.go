package linkhttp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/postpress-ai/postpress-go"
)

const (
	maxBody      = 4 << 10
	bodyTimeout  = 5 * time.Second
	startTimeout = 30 * time.Second // of the request to the API, its retries included
)

func (h *Handler) postLink(w http.ResponseWriter, r *http.Request, user, _ string) *Problem {
	in, p := readStart(w, r)
	if p != nil {
		return p
	}
	req, err := h.cfg.Request(r, user, in)
	if err != nil {
		return problemOf(err, http.StatusForbidden, "forbidden")
	}
	if req.PhoneNumber != "" { // the same number, however it is written, is the same attempt
		number, err := postpress.NormalizePhoneNumber(string(req.PhoneNumber))
		if err != nil {
			return startProblem(err)
		}
		req.PhoneNumber = postpress.Secret(number)
	}
	a, joined, p := h.attemptFor(r.Context(), user, req)
	if p != nil {
		return p
	}
	status := http.StatusCreated
	if joined {
		status = http.StatusOK
	}
	writeJSON(w, status, map[string]string{"id": a.id()})
	return nil
}

// readStart reads the body. A form, or text, could be sent by the page of any site
// without asking; JSON could not.
func readStart(w http.ResponseWriter, r *http.Request) (in Start, p *Problem) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return in, problem(http.StatusUnsupportedMediaType, "content_type")
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields() // what is ignored without a word is taken for granted
	err := decoder.Decode(&in)
	if err == nil {
		_, err = decoder.Token() // nothing more may come
		if errors.Is(err, io.EOF) {
			_ = control.SetReadDeadline(time.Time{})
			return in, nil
		}
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return in, problem(http.StatusRequestEntityTooLarge, "too_large")
	}
	return in, problem(http.StatusBadRequest, "bad_request")
}

// maxEnding bounds how many attempts for the same thing may be on their way out.
const maxEnding = 8

// attemptFor gives the attempt of the user for this, under way already or new. One
// that is being cancelled, which takes the API a while, is not waited for.
func (h *Handler) attemptFor(ctx context.Context, user string, req postpress.LinkRequest) (*attempt, bool, *Problem) {
	for n := range maxEnding {
		slot, err := h.sealer.slot(user, req, n)
		if err != nil {
			return nil, false, problem(http.StatusBadRequest, "bad_request")
		}
		a, joined, p := h.attempts.claim(slot, user)
		if p != nil {
			return nil, false, p
		}
		if !joined {
			h.running.Go(func() { h.begin(a, req) }) // this request is counted, so nobody waits at zero
		}
		select {
		case <-a.ready:
		case <-ctx.Done():
			return nil, false, problem(http.StatusServiceUnavailable, "unavailable")
		}
		if p := a.failedStart(); p != nil {
			return nil, false, p
		}
		last, _ := a.feed.current()
		if last.State != stateEnding && !(joined && last.final()) {
			return a, joined, nil
		}
	}
	return nil, false, &Problem{http.StatusTooManyRequests, "too_many", wordsFor("too_many"), retryLater}
}

func (a *attempt) failedStart() *Problem {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.problem
}

func (a *attempt) settle(nonce string, p *Problem) {
	a.mu.Lock()
	a.nonce, a.problem = nonce, p
	a.mu.Unlock()
	close(a.ready)
}

func (h *Handler) leaseOf(a *attempt) *lease {
	return &lease{store: h.store, sealer: h.sealer, slot: a.slot, owner: h.name}
}

// begin starts an attempt, or joins the one of another replica, and runs it to its
// end. It does not depend on the request that wanted it: a browser that
// leaves in the middle must not leave an account behind that nobody knows.
func (h *Handler) begin(a *attempt, req postpress.LinkRequest) {
	defer h.attempts.remove(a)
	l := h.leaseOf(a)
	switch h.reserve(l, record{Nonce: newNonce(), User: a.user, Request: req}) {
	case theirs:
		h.attempts.owns(a, false)
		a.settle(l.rec.Nonce, nil)
		h.run(a, l)
		return
	case ending:
		a.feed.publish(event{State: stateEnding})
		h.attempts.remove(a)
		a.settle(l.rec.Nonce, nil)
		return
	}
	began := time.Now()
	if err := h.launch(a, l); err != nil {
		h.attempts.remove(a) // before it is told, so that the next click is a new attempt
		a.settle(l.rec.Nonce, startProblem(err))
		return
	}
	h.cfg.Logger.InfoContext(h.ctx, "linking started", "account", a.getLink().AccountID(), "took", time.Since(began))
	a.settle(l.rec.Nonce, nil)
	h.run(a, l)
}

// launch starts or resumes what the lease has. A failure is an outcome, also for
// those who follow from other replicas.
func (h *Handler) launch(a *attempt, l *lease) error {
	ctx, cancel := context.WithTimeout(h.ctx, startTimeout)
	defer cancel()
	var started link
	var err error
	if l.rec.Link == nil {
		// The replica before may have died between the request and its answer: the same
		// request, with the same key, gives what that has created.
		started, err = h.engine.start(ctx, l.rec.Request, a.slot, a.slot+l.rec.Nonce)
	} else {
		started, err = h.engine.resume(ctx, *l.rec.Link, l.rec.Request, a.slot)
	}
	if err != nil {
		code := startProblem(err).Code
		h.cfg.Logger.WarnContext(h.ctx, "linking could not be started", "code", code, "resumed", l.rec.Link != nil, "error", err)
		l.rec.Event = a.feed.publish(event{State: stateFailed, Code: code})
		h.save(l)
		return err
	}
	a.setLink(started)
	l.note(started.State()) // before the browser knows of it: nobody starts a second one when this process dies
	_ = h.save(l)           // own finds out whether it has been taken
	return nil
}

// holder is who has the slot of an attempt.
type holder int

const (
	mine   holder = iota
	theirs        // another replica, which runs it
	ending        // another replica, which is to cancel it
)

// reserve writes rec into its slot, before anything is started, and tells whether
// another replica was there first. Without the store the attempt is this process's.
func (h *Handler) reserve(l *lease, rec record) holder {
	for {
		ok, err := l.load(h.ctx)
		if err != nil {
			h.cfg.Logger.WarnContext(h.ctx, "the store cannot be reached", "error", err)
		}
		if ok && !l.rec.ended() && l.rec.Owner != h.name {
			if l.rec.Asks.Cancel || l.rec.Event.State == stateEnding {
				return ending
			}
			return theirs
		}
		l.rec = rec
		if err == nil {
			if swapped, err := l.take(h.ctx); err == nil && !swapped {
				continue // somebody was faster
			}
		}
		l.rec.Owner = h.name
		return mine
	}
}
