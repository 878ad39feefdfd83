package postpresstest

import (
	"net/http"
	"time"

	postpress "github.com/postpress-ai/postpress-go"
)

// resendPause is how long a checkpoint cannot be sent again; the API gives no number.
const resendPause = 30 * time.Second

type checkpointBody struct {
	AccountID string             `json:"account_id"`
	Provider  postpress.Provider `json:"provider"`
	Code      string             `json:"code"`
}

// checkpointBody reads and checks what both checkpoint calls have in common.
func (r *request) checkpointBody() (checkpointBody, *apiError) {
	var b checkpointBody
	if err := r.decode(&b); err != nil {
		return b, err
	}
	switch {
	case b.AccountID == "":
		return b, missing("account_id")
	case b.Provider == "":
		return b, missing("provider")
	}
	if m, ok := providers[b.Provider]; !ok || m != byCheckpointCode {
		return b, invalid("accounts of provider %q have no checkpoint of this kind", b.Provider)
	}
	return b, nil
}

// atCheckpoint finds the account that b is about, if it waits for a code.
func (st *store) atCheckpoint(b checkpointBody, now time.Time) (*account, *apiError) {
	a, err := st.findStarted(b.AccountID, now, false)
	switch {
	case err != nil:
		return nil, err
	case a.provider != b.Provider:
		return nil, invalid("provider is %s, but the account is of %s", b.Provider, a.provider)
	case a.intent != nil && a.intent.ended != nil:
		return nil, a.intent.sayEnded(false)
	case !a.intent.live() || a.intent.scanned:
		return nil, fail(http.StatusBadRequest, "invalid_request", "the account is at no checkpoint")
	}
	return a, nil
}

func (s *Server) solveCheckpoint(r *request) (answer, *apiError) {
	b, err := r.checkpointBody()
	if err != nil {
		return answer{}, err
	}
	if b.Code == "" {
		return answer{}, missing("code")
	}
	st := s.accounts
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	a, err := st.atCheckpoint(b, now)
	if err != nil {
		return answer{}, err
	}
	if b.Code != a.intent.code.text {
		return answer{}, fail(http.StatusUnauthorized, "invalid_checkpoint_solution", "the code is wrong")
	}
	object := "AccountReconnected"
	if !a.known {
		object = "AccountCreated"
	}
	st.scanned(a, now)
	return jsonAnswer(http.StatusCreated, wireObject{Object: object, AccountID: a.id}), nil
}

func (s *Server) resendCheckpoint(r *request) (answer, *apiError) {
	b, err := r.checkpointBody()
	if err != nil {
		return answer{}, err
	}
	st := s.accounts
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	a, err := st.atCheckpoint(b, now)
	if err != nil {
		return answer{}, err
	}
	if in := a.intent; !in.resentAt.IsZero() && now.Sub(in.resentAt) < resendPause {
		return answer{}, fail(http.StatusUnprocessableEntity, "unprocessable_entity", "the code was sent a moment ago")
	}
	a.intent.resentAt = now
	return jsonAnswer(http.StatusOK, wireObject{Object: "CheckpointResend", AccountID: a.id, Success: true}), nil
}
