//go:build unix

package brokertest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands between clients and a broker, so that connections can be cut, or
// fall silent, while the broker goes on.
type Proxy struct {
	tb     testing.TB
	target string
	addr   string

	mu       sync.Mutex
	listener net.Listener // nil while cut
	conns    map[net.Conn]bool
	silence  chan struct{} // not nil while silent; closed when that ends
	silenced int           // how often that was
	running  sync.WaitGroup
}

// NewProxy starts one on a free port. It ends with the test.
func NewProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	p := &Proxy{tb: tb, target: target, addr: freeAddr(tb), conns: make(map[net.Conn]bool)}
	p.listen()
	tb.Cleanup(func() {
		p.Speak()
		p.Cut()
		p.running.Wait()
	})
	return p
}

// Addr returns the host:port that clients connect to.
func (p *Proxy) Addr() string { return p.addr }

func (p *Proxy) listen() {
	p.tb.Helper()
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.tb.Fatal(err)
	}
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	p.running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.serve(client) })
		}
	})
}

// Cut closes all connections and refuses new ones, until restore is called.
func (p *Proxy) Cut() (restore func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for c := range p.conns {
		_ = c.Close()
	}
	return p.listen
}

// Silence keeps the present connections open, and passes nothing on, as a network
// does that drops packets. Speak lets them go on. New ones are not concerned.
func (p *Proxy) Silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silence == nil {
		p.silence = make(chan struct{})
		p.silenced++
	}
}

// Speak ends Silence.
func (p *Proxy) Speak() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silence != nil {
		close(p.silence)
		p.silence = nil
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	born, kept := p.keep(client, server)
	if !kept {
		return
	}
	defer p.forget(client, server)
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		p.running.Go(func() {
			_, _ = io.Copy(&gate{way[0], p, born}, way[1])
			done <- struct{}{}
		})
	}
	<-done // when one way has ended, so does the other
}

// keep notes connections to cut, unless that has happened already.
func (p *Proxy) keep(conns ...net.Conn) (born int, kept bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
	return p.silenced, p.listener != nil
}

func (p *Proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
	}
}

// gate holds back what is written while the proxy is silent, if it is older.
type gate struct {
	net.Conn
	proxy *Proxy
	born  int
}

func (g *gate) Write(b []byte) (int, error) {
	g.proxy.mu.Lock()
	silence, older := g.proxy.silence, g.born < g.proxy.silenced
	g.proxy.mu.Unlock()
	if silence != nil && older {
		<-silence
	}
	return g.Conn.Write(b)
}
