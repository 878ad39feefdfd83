package postpresstest

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// maxLog keeps a double that runs for days from growing without end.
const maxLog = 10_000

// A Request is what the double has noted of a request.
type Request struct {
	Time           time.Time   // when it had been read
	Method         string      // as sent
	Path           string      // as sent, escapes included, without the prefix /v1 or /api/v1
	Query          url.Values  // never nil
	Header         http.Header // X-API-KEY and Authorization are replaced by "[redacted]"
	Body           []byte      // nil or empty where there was none
	IdempotencyKey string      // the header Idempotency-Key, "" without one
	RequestID      string      // the header X-Request-Id of the answer
	Status         int         // as answered; 0 while it is being answered, or if nothing was
	Replayed       bool        // answered from what an earlier request with its key had been
	Faulted        bool        // a fault took part in the answer
}

// Requests returns a copy of what the double has noted, in the order of arrival:
// the last 10,000 requests, those still being answered included. A request whose
// answer was lost to a fault has the status it would have been answered.
func (s *Server) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	all := make([]Request, len(s.log.entries))
	for i, e := range s.log.entries {
		r := e.Request
		r.Header, r.Body = r.Header.Clone(), slices.Clone(r.Body)
		r.Query = url.Values(http.Header(r.Query).Clone())
		all[i] = r
	}
	return all
}

type requestLog struct {
	mu      sync.Mutex
	entries []*logEntry
}

type logEntry struct {
	Request
	log *requestLog
}

func (l *requestLog) begin(r *request) *logEntry {
	h := r.header.Clone()
	for _, secret := range []string{"X-Api-Key", "Authorization"} {
		for i := range h[secret] {
			h[secret][i] = "[redacted]"
		}
	}
	e := &logEntry{log: l, Request: Request{
		Time: time.Now(), Method: r.method, Path: r.path, Query: r.query, Header: h, Body: r.body,
		IdempotencyKey: h.Get("Idempotency-Key"), RequestID: r.id,
	}}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) == maxLog {
		l.entries = slices.Delete(l.entries, 0, 1)
	}
	l.entries = append(l.entries, e)
	return e
}

func (e *logEntry) faulted() {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	e.Faulted = true
}

func (e *logEntry) finish(a answer) {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	e.Status = a.status
	e.RequestID = a.header.Get("X-Request-Id")
	e.Replayed = a.header.Get(replayedHeader) != ""
}
