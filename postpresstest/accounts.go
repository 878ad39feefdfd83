package postpresstest

import (
	"net/http"
	"time"

	postpress "github.com/postpress-ai/postpress-go"
)

// getAccount answers at once or, while the account is being linked, once that has
// come to an end or the request has been held long enough.
func (s *Server) getAccount(r *request) (answer, *apiError) {
	var over <-chan time.Time
	if s.cfg.hold > 0 {
		t := time.NewTimer(s.cfg.hold)
		defer t.Stop()
		over = t.C
	}
	enough := s.cfg.hold == 0
	for held := false; ; held = true {
		a, changed, err := s.accounts.read(r.params["id"], held)
		if err != nil {
			return answer{}, err
		}
		if changed == nil || enough {
			return jsonAnswer(http.StatusOK, a), nil
		}
		select {
		case <-changed:
		case <-over:
			enough = true
		case <-r.ctx.Done():
			return answer{}, unavailable() // read by nobody
		case <-s.gate.done:
			return answer{}, unavailable()
		}
	}
}

// read returns an account and, if it is being linked, a channel that is closed when
// it has changed. held says that the caller has been waiting.
func (st *store) read(id string, held bool) (wireAccount, <-chan struct{}, *apiError) {
	st.mu.Lock()
	defer st.mu.Unlock()
	a, err := st.findStarted(id, time.Now(), held)
	if err != nil {
		return wireAccount{}, nil, err
	}
	in := a.intent
	switch {
	case in.live():
		return st.wire(a), a.changed, nil
	case in == nil:
	case held || in.announced == 0 || in.owed > 0:
		return wireAccount{}, nil, in.sayEnded(held)
	default:
		a.intent = nil // all has been said: the account is as it was
	}
	return st.wire(a), nil, nil
}

func (s *Server) listAccounts(r *request) (answer, *apiError) {
	p, err := r.page("accounts")
	if err != nil {
		return answer{}, err
	}
	st := s.accounts
	st.mu.Lock()
	defer st.mu.Unlock()
	var listed []*account
	for _, a := range st.ordered(time.Now()) {
		if a.known || s.cfg.listPending && a.intent.live() {
			listed = append(listed, a)
		}
	}
	items, next := cut(p, listed, func(a *account) int { return a.seq })
	wire := make([]wireAccount, len(items))
	for i, a := range items {
		wire[i] = st.wire(a)
	}
	return s.listAnswer("AccountList", wire, next), nil
}

type updateBody struct {
	placeBody
	Label *string `json:"label"`
}

func (s *Server) updateAccount(r *request) (answer, *apiError) {
	var b updateBody
	if err := r.decode(&b); err != nil {
		return answer{}, err
	}
	if b.Label == nil && b.placeBody == (placeBody{}) {
		return answer{}, missing("one of proxy, country, ip and label")
	}
	if b.Label != nil && *b.Label == "" {
		return answer{}, fail(http.StatusBadRequest, "invalid_label", "label must not be empty")
	}
	if err := b.check(); err != nil {
		return answer{}, err
	}
	return s.change(r, func(a *account, _ time.Time) (answer, *apiError) {
		if b.Label != nil {
			a.name = *b.Label
		}
		return jsonAnswer(http.StatusOK, wireObject{Object: "AccountPatched", AccountID: a.id}), nil
	})
}

func (s *Server) restartAccount(r *request) (answer, *apiError) {
	return s.change(r, func(a *account, now time.Time) (answer, *apiError) {
		if a.status == postpress.StatusCredentials || a.intent.live() {
			return jsonAnswer(http.StatusOK, wireObject{Object: "AccountFailedToRestart"}), nil
		}
		s.accounts.setStatus(a, postpress.StatusOK, now)
		return jsonAnswer(http.StatusOK, wireObject{Object: "AccountRestarted"}), nil
	})
}

func (s *Server) resyncAccount(r *request) (answer, *apiError) {
	return s.change(r, func(a *account, _ time.Time) (answer, *apiError) {
		if a.provider != postpress.ProviderLinkedIn && a.provider != postpress.ProviderTelegram {
			return answer{}, fail(http.StatusNotImplemented, "not_implemented", "%s cannot be synchronised again", a.provider)
		}
		return jsonAnswer(http.StatusOK, wireObject{Object: "AccountResync", Status: "SYNC_STARTED"}), nil
	})
}

// change does something to a known account, under the store's lock.
func (s *Server) change(r *request, do func(*account, time.Time) (answer, *apiError)) (answer, *apiError) {
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	now := time.Now()
	a, err := s.accounts.findKnown(r.params["id"], now)
	if err != nil {
		return answer{}, err
	}
	return do(a, now)
}

func (s *Server) deleteAccount(r *request) (answer, *apiError) {
	st := s.accounts
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	a := st.find(r.params["id"], now)
	if a == nil || !a.known && !a.intent.live() {
		return answer{}, notFound("this account")
	}
	st.remove(a, now)
	return jsonAnswer(http.StatusOK, wireObject{Object: "AccountDeleted"}), nil
}
