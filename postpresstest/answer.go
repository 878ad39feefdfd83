package postpresstest

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// answer is a response as a value, so that it can be kept and repeated, cut or lost.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func jsonAnswer(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic("postpresstest: " + err.Error()) // all shapes are in wire.go and can be encoded
	}
	h := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	return answer{status: status, header: h, body: body}
}

// errorAnswer gives an error the configured envelope.
func (s *Server) errorAnswer(r *request, e *apiError) answer {
	a := jsonAnswer(e.status, s.envelope(r, e))
	if e.retryAfter != "" {
		a.header.Set("Retry-After", e.retryAfter)
	}
	if e.allow != "" {
		a.header.Set("Allow", e.allow)
	}
	a.header.Set("X-Request-Id", r.id)
	return a
}

func (s *Server) envelope(r *request, e *apiError) any {
	if s.cfg.envelope == EnvelopeError {
		code := e.kind
		if code == "missing_credentials" {
			code = "key_missing" // the one code this envelope is known to spell its own way
		}
		return wireErrorEnvelope{Error: wireError{Code: code, Message: e.detail, RequestID: r.id}}
	}
	return wireProblem{
		Status: e.status, Type: "errors/" + e.kind, Title: title(e.kind), Detail: e.detail, Instance: r.path,
	}
}

// writeHead sends everything but the body; the length announced is the full one.
func (a answer) writeHead(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if w.Header().Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
}

func (a answer) write(w http.ResponseWriter) {
	a.writeHead(w)
	_, _ = w.Write(a.body) // the client has gone if it fails
}
