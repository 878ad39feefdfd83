package postpresstest

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// network serves a handler in memory and, outside a synctest bubble, on loopback
// too. It follows its connections so that close can wait for every one.
type network struct {
	server    *http.Server
	mem       *memListener
	listeners []net.Listener
	url       string
	serving   sync.WaitGroup

	mu     sync.Mutex
	gone   *sync.Cond
	closed bool
	conns  map[net.Conn]http.ConnState
}

// inBubble reports whether the caller runs in a testing/synctest bubble, whose
// clock starts at 2000-01-01. There is no other way to ask; a clock that says so
// outside a bubble is older than the Go release this package needs.
func inBubble() bool { return time.Now().Year() < 2020 }

func newNetwork(h http.Handler) *network {
	n := prepareNetwork(h)
	if !inBubble() {
		tcp := listenLoopback()
		n.url = "http://" + tcp.Addr().String()
		n.listeners = append(n.listeners, tcp)
	}
	n.serve()
	return n
}

// newMemNetwork has no socket wherever it is started.
func newMemNetwork(h http.Handler) *network {
	n := prepareNetwork(h)
	n.serve()
	return n
}

func prepareNetwork(h http.Handler) *network {
	n := &network{mem: newMemListener(), url: "http://localhost", conns: make(map[net.Conn]http.ConnState)}
	n.gone = sync.NewCond(&n.mu)
	n.server = &http.Server{Handler: h, ConnState: n.follow}
	n.listeners = []net.Listener{n.mem}
	return n
}

func (n *network) serve() {
	for _, l := range n.listeners {
		n.serving.Go(func() { _ = n.server.Serve(l) }) // ends with close, its only error
	}
}

// listenLoopback panics like httptest where there is no loopback interface.
func listenLoopback() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		if l, err = net.Listen("tcp6", "[::1]:0"); err != nil {
			panic(fmt.Sprintf("postpresstest: cannot listen on a loopback port: %v", err))
		}
	}
	return l
}

func (n *network) follow(c net.Conn, state http.ConnState) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch state {
	case http.StateHijacked, http.StateClosed:
		delete(n.conns, c)
		n.gone.Broadcast()
	default:
		n.conns[c] = state
		if n.closed {
			end(c, state)
		}
	}
}

// end closes a connection without a request at once; one that is being answered
// may finish its answer, but reads no more of the request.
func end(c net.Conn, state http.ConnState) {
	if state == http.StateActive {
		_ = c.SetReadDeadline(time.Now())
		return
	}
	_ = c.Close()
}

// close ends every connection and waits until the last is gone. Held requests
// must have been released before.
func (n *network) close() {
	n.server.SetKeepAlivesEnabled(false)
	n.mu.Lock()
	n.closed = true
	for c, state := range n.conns {
		end(c, state)
	}
	n.mu.Unlock()
	for _, l := range n.listeners {
		_ = l.Close()
	}
	n.serving.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.conns) > 0 {
		n.gone.Wait()
	}
}
