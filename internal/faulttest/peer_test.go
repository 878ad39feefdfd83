package faulttest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// peer is the other end: a listener that does what a fault says, and answers like
// the API where it says nothing.
type peer struct {
	ln    *net.TCPListener
	fault fault
	once  bool // only the first connection or request is hit
	hits  func(*http.Request) bool

	requests atomic.Int64 // that arrived whole, headers of HTTP/2 streams included
	posts    atomic.Int64 // of them
	faulty   atomic.Int64 // of them, or of the connections, that were hit
	open     atomic.Int64 // connections that the client has not let go of

	mu    sync.Mutex
	conns map[net.Conn]bool
	ended bool
	wg    sync.WaitGroup
}

func newPeer(f fault, once bool, hits func(*http.Request) bool) *peer {
	return newPeerAt("127.0.0.1:0", f, once, hits)
}

func newPeerAt(addr string, f fault, once bool, hits func(*http.Request) bool) *peer {
	at, err := net.ResolveTCPAddr("tcp", addr)
	must(err)
	ln, err := net.ListenTCP("tcp", at)
	must(err)
	p := &peer{ln: ln, fault: f, once: once, hits: hits, conns: make(map[net.Conn]bool)}
	p.wg.Go(p.accept)
	return p
}

func (p *peer) accept() {
	for {
		c, err := p.ln.AcceptTCP()
		if err != nil {
			return
		}
		if !p.keep(c) {
			continue
		}
		p.open.Add(1)
		p.wg.Go(func() {
			defer p.open.Add(-1)
			defer p.forget(c)
			p.serve(c)
		})
	}
}

func (p *peer) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		_ = c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *peer) forget(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// close ends everything, also what stalls.
func (p *peer) close() {
	_ = p.ln.Close()
	p.mu.Lock()
	p.ended = true
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// hit tells whether the fault strikes now.
func (p *peer) hit() bool { return p.faulty.Add(1) == 1 || !p.once }

func (p *peer) serve(tcp *net.TCPConn) {
	if p.fault.conn != nil && p.hit() {
		p.fault.conn(tcp)
		return
	}
	var c net.Conn = tcp
	if p.fault.tls != nil {
		secure := tls.Server(tcp, p.fault.tls)
		if secure.Handshake() != nil {
			return
		}
		if c = secure; secure.ConnectionState().NegotiatedProtocol == "h2" {
			(&h2{peer: p, tcp: tcp, c: c}).serve()
			return
		}
	}
	p.talk(tcp, c)
}

// talk is HTTP/1.1 with one client.
func (p *peer) talk(tcp *net.TCPConn, c net.Conn) {
	in := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		if req.Method == http.MethodPost {
			p.posts.Add(1)
		}
		x := &exchange{tcp: tcp, c: c, req: req, n: p.requests.Add(1)}
		if p.fault.answer != nil && p.hits(req) && p.hit() {
			p.fault.answer(x)
		} else {
			x.well()
		}
		if x.over {
			return
		}
	}
}

// exchange is one request, and the connection to answer it on.
type exchange struct {
	tcp  *net.TCPConn
	c    net.Conn
	req  *http.Request
	n    int64 // of the request, from 1
	over bool  // no further request on this connection
}

func (x *exchange) raw(s string) { _, _ = io.WriteString(x.c, s) }

// answer writes an answer with a body of announced length. Further headers end with CRLF.
func (x *exchange) answer(status int, contentType, headers, body string) {
	x.raw(fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s",
		status, http.StatusText(status), contentType, len(body), headers, body))
}

func (x *exchange) json(status int, body string) { x.answer(status, "application/json", "", body) }

// well answers as the API does when all is well.
func (x *exchange) well() { x.json(wellAnswer(x.req.Method)) }

func wellAnswer(method string) (status int, body string) {
	switch method {
	case http.MethodPost:
		return http.StatusAccepted, checkpointBody
	case http.MethodDelete:
		return http.StatusOK, `{"object":"AccountDeleted"}`
	}
	return http.StatusOK, accountBody
}

// reset makes the client see a reset instead of an orderly end.
func (x *exchange) reset() { x.over = true; resetConn(x.tcp) }

func resetConn(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

func (x *exchange) close() { x.over = true; _ = x.c.Close() }

// stall says nothing more until the client goes.
func (x *exchange) stall() { x.over = true; _, _ = io.Copy(io.Discard, x.c) }

// The secrets that answers are full of, and errors must not be.
const (
	apiKey  = "pp_test_faultsecretkey"
	phone   = "33698765432"
	pairing = "WXYZ-7788"
	qrText  = "https://wa.me/settings/linked_devices#2@refHidden,keyHidden==,idHidden==,advHidden==,1"
	account = "acc_1"
)

var secrets = []string{apiKey, phone, pairing, strings.ReplaceAll(pairing, "-", ""), qrText, "refHidden", "advHidden"}

var (
	checkpointBody = `{"object":"Checkpoint","account_id":"` + account + `","checkpoint":{"type":"QRCODE","qrcode":"` + qrText + `"}}`
	accountBody    = `{"object":"Account","type":"WHATSAPP","id":"` + account + `","name":"` + phone +
		`","connection_params":{"im":{"phone_number":"` + phone + `"}},"sources":[{"id":"s","status":"OK"}]}`
	// secretBody has everything that must not be repeated, whatever was asked.
	secretBody = `{"id":"` + account + `","account_id":"` + account + `","name":"` + phone + `","code":"` + pairing +
		`","qrcode":"` + qrText + `","key":"` + apiKey + `"}`
)
