package postpresstest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// FaultKind says what goes wrong.
type FaultKind int

const (
	// FaultAnswer answers with Status, Header and Body; the request is not carried
	// out. With a Status of 0 it is carried out as usual, after Latency. It is the default.
	FaultAnswer FaultKind = iota
	// FaultHTML answers with the HTML error page of a gateway and Status (default
	// 502); the request is not carried out.
	FaultHTML
	// FaultCut closes the connection after After bytes of the body, of which the full
	// Content-Length was announced. The request is carried out, or with a Status
	// answered as by FaultAnswer.
	FaultCut
	// FaultStall sends the headers and After bytes of the body and then nothing more,
	// until the client gives up or the server is closed. The request is carried out,
	// or with a Status answered as by FaultAnswer.
	FaultStall
	// FaultReset resets the connection instead of carrying the request out.
	FaultReset
	// FaultLostAnswer carries the request out and resets the connection instead of
	// answering.
	FaultLostAnswer
)

// Always is the Times of a [Fault] that does not heal by itself.
const Always = -1

// A Fault is something that goes wrong with the next request, or with chosen ones,
// the same over a socket and in memory. The zero value is a fault that does nothing
// to the next request of any kind.
//
// Note that an [http.Transport] sends a GET, or a request with an Idempotency-Key,
// once more by itself where a kept-alive connection breaks before any answer.
type Fault struct {
	Method string // "GET"; "" is any
	// Path without the prefix /v1: "/accounts" is this path alone, "/accounts/{id}"
	// has one arbitrary segment for each pair of braces, "/accounts/" with its slash
	// is everything below, and "" is any path.
	Path string
	// Nth is the first request to be hit, counted from Inject among those with this
	// method and path; 0 and 1 are the next one.
	Nth int
	// Times is how many requests are hit from there; 0 is one, [Always] all of them.
	Times int

	Kind   FaultKind
	Status int // of the answer
	// Type is the error type, without the prefix errors/, of an error answer that has
	// no Body: by default one that suits the Status, in the configured envelope.
	Type string
	Body string
	// Header is added to the answer. A Content-Type here replaces the usual one.
	Header http.Header
	// After is the number of body bytes that [FaultCut] and [FaultStall] let through. A
	// body that is not longer than that comes whole.
	After int
	// Latency passes before anything else happens. A client that gives up meanwhile
	// has not had its request carried out; a very long one is a hanging server.
	Latency time.Duration
}

// Inject adds a fault. Of several faults for one request the one injected first
// takes it, and the others wait for the next. Inject panics on a fault that makes no
// sense: an unknown Kind, a Path without a leading slash, a negative After, a Status
// that is not one.
func (s *Server) Inject(f Fault) {
	switch {
	case f.Kind < FaultAnswer || f.Kind > FaultLostAnswer:
		panic(fmt.Sprintf("postpresstest: unknown fault kind %d", f.Kind))
	case f.Path != "" && f.Path[0] != '/':
		panic(fmt.Sprintf("postpresstest: fault path %q does not start with a slash", f.Path))
	case f.After < 0:
		panic("postpresstest: fault with a negative After")
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		panic(fmt.Sprintf("postpresstest: fault status %d is not one of 200 to 599", f.Status))
	}
	f.Header = f.Header.Clone()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults.add(f)
}

// ClearFaults removes all faults, for instance those with [Always]. Requests already
// hit are not helped.
func (s *Server) ClearFaults() { s.faults.clear() }

type faultList struct {
	mu  sync.Mutex
	all []*activeFault
}

type activeFault struct {
	Fault
	seen int // matching requests so far
}

func (l *faultList) add(f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, &activeFault{Fault: f})
}

func (l *faultList) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = nil
}

// next returns the fault that hits a request, if any. Every fault counts every
// request it matches, also one that another fault takes.
func (l *faultList) next(method, path string) (Fault, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var hit *activeFault
	for _, f := range l.all {
		if !f.matches(method, path) {
			continue
		}
		f.seen++
		if hit == nil && f.Times != 0 && f.seen >= f.Nth {
			hit = f
		}
	}
	if hit == nil {
		return Fault{}, false
	}
	if hit.Times > 0 {
		hit.Times--
	}
	return hit.Fault, true
}

func (f *Fault) matches(method, path string) bool {
	if f.Method != "" && f.Method != method {
		return false
	}
	if strings.HasSuffix(f.Path, "/") {
		return strings.HasPrefix(path, f.Path)
	}
	_, ok := match(f.Path, path)
	return ok || f.Path == ""
}
