package postpresstest

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"sync"
)

const replayedHeader = "Idempotent-Replayed"

// replays keeps the answers to requests that carry an Idempotency-Key.
type replays struct {
	mu   sync.Mutex
	kept map[replayKey]*replay
}

type replayKey struct {
	caller       [sha256.Size]byte
	method, path string
	key          string
}

type replay struct {
	body   []byte
	done   chan struct{} // closed when the answer is there
	answer answer
}

// once carries a POST or PATCH out, unless one with its key has been: then it
// waits for that one's answer and repeats it.
func (s *Server) once(r *request, carryOut func() answer) answer {
	key := r.header.Get("Idempotency-Key")
	if key == "" || r.method != http.MethodPost && r.method != http.MethodPatch {
		return carryOut()
	}
	id := replayKey{caller: r.caller, method: r.method, path: r.path, key: key}
	for {
		first, own := s.replays.claim(id, r.body)
		if own {
			return s.replays.fulfil(id, first, carryOut())
		}
		if !bytes.Equal(first.body, r.body) {
			return s.errorAnswer(r, fail(http.StatusUnprocessableEntity, "unprocessable_entity",
				"the Idempotency-Key was used with another body"))
		}
		select {
		case <-first.done:
			if worthKeeping(first.answer.status) {
				return first.answer.repeated()
			}
		case <-r.ctx.Done():
			return s.errorAnswer(r, unavailable())
		case <-s.gate.done:
			return s.errorAnswer(r, unavailable())
		}
	}
}

func (p *replays) claim(id replayKey, body []byte) (first *replay, own bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if first, ok := p.kept[id]; ok {
		return first, false
	}
	if p.kept == nil {
		p.kept = make(map[replayKey]*replay)
	}
	first = &replay{body: body, done: make(chan struct{})}
	p.kept[id] = first
	return first, true
}

func (p *replays) fulfil(id replayKey, first *replay, a answer) answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	first.answer = a
	if !worthKeeping(a.status) {
		delete(p.kept, id)
	}
	close(first.done)
	return a
}

// worthKeeping: an answer that asks to be tried again must not be repeated for ever.
func worthKeeping(status int) bool {
	return status < http.StatusInternalServerError &&
		status != http.StatusRequestTimeout && status != http.StatusTooEarly
}

func (a answer) repeated() answer {
	a.header = a.header.Clone()
	a.header.Set(replayedHeader, "true")
	return a
}
