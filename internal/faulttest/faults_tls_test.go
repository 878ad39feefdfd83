package faulttest

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"
)

// trusting is a pool that trusts the authority of this suite.
func trusting() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted()}, ForceAttemptHTTP2: true}
}

// hasty has little time for a handshake.
func hasty() *http.Transport {
	pool := trusting()
	pool.TLSHandshakeTimeout = 2 * stallTimeout // a good one takes its time on a busy machine
	return pool
}

// pinging notices a dead HTTP/2 connection as the default pool does, but sooner.
func pinging() *http.Transport {
	pool := trusting()
	pool.HTTP2 = &http.HTTP2Config{SendPingTimeout: stallTimeout / 2, PingTimeout: stallTimeout}
	return pool
}

func secure(p *peer) string { return "https://" + p.ln.Addr().String() + "/v1" }

func tlsFaults() []fault {
	expired := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	}
	future := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(24*time.Hour), time.Now().Add(48*time.Hour)
	}
	elsewhere := func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)} }
	old := server(nil)
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	wantsCert := server(nil)
	wantsCert.ClientAuth, wantsCert.ClientCAs = tls.RequireAndVerifyClientCert, trusted()
	wantsCert.MaxVersion = tls.VersionTLS12 // where the refusal is part of the handshake
	return []fault{
		{name: "certificate expired", unseen: true, tls: server(expired), pool: trusting},
		{name: "certificate not valid yet: the client's clock is slow", unseen: true, tls: server(future), pool: trusting},
		{name: "certificate of another host", unseen: true, tls: server(elsewhere), pool: trusting},
		{name: "unknown authority", unseen: true, tls: stranger(), pool: trusting},
		{name: "https to a plain HTTP port", unseen: true, base: secure, pool: trusting,
			conn: func(c *net.TCPConn) { say(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n") }},
		{name: "https to something else", unseen: true, base: secure, pool: trusting,
			conn: func(c *net.TCPConn) { say(c, "220 mail.example ESMTP\r\n") }},
		{name: "http to a TLS port", unseen: true,
			conn: func(c *net.TCPConn) { say(c, "\x15\x03\x01\x00\x02\x02\x46") }}, // an alert, as OpenSSL's
		{name: "TLS too old", unseen: true, tls: old, pool: trusting},
		{name: "client certificate wanted", unseen: true, tls: wantsCert, pool: trusting},
		{name: "reset during the handshake", unseen: true, passes: true, tls: server(nil), pool: trusting,
			conn: func(c *net.TCPConn) { listen(c); resetConn(c) }},
		{name: "stalls during the handshake", unseen: true, passes: true, tls: server(nil), pool: hasty,
			conn: func(c *net.TCPConn) {
				for {
					if !listen(c) {
						return
					}
				}
			}},
	}
}

// listen reads what the client says first, or next.
func listen(c net.Conn) bool {
	_, err := c.Read(make([]byte, 16<<10))
	return err == nil
}

// say answers what the client says, and waits for it to go.
func say(c *net.TCPConn, text string) {
	listen(c)
	_, _ = c.Write([]byte(text))
	_ = c.CloseWrite()
	for listen(c) {
	}
}

func h2Faults() []fault {
	cfg := server(nil, "h2")
	all := []fault{
		{name: "GOAWAY, the request was not seen", passes: true, skip: everything(), h2: func(h *h2, _ uint32) { h.goAway(0, noError, "") }},
		{name: "GOAWAY, the request may have been carried out", passes: true,
			h2: func(h *h2, id uint32) { h.goAway(id, noError, "") }},
		{name: "GOAWAY with an error and a text", passes: true,
			h2: func(h *h2, id uint32) { h.goAway(id, internalError, secretBody) }},
		{name: "stream reset", passes: true, h2: func(h *h2, id uint32) { h.refuse(id, internalError) }},
		{name: "stream refused", passes: true, skip: everything(), h2: func(h *h2, id uint32) { h.refuse(id, refusedStream) }},
		{name: "connection reset", passes: true, varies: true, h2: func(h *h2, _ uint32) { h.over = true; resetConn(h.tcp) }},
		{name: "black hole: no answer, not even to a ping", passes: true, late: true, pool: pinging, h2: func(h *h2, _ uint32) { h.hole() }},
	}
	for i := range all {
		all[i].tls = cfg
		if all[i].pool == nil {
			all[i].pool = trusting
		}
		all[i].skip = append(all[i].skip, "LinkWhatsApp")
	}
	return all
}

// everything skips all calls, for what net/http repeats by itself as long as it lasts.
func everything() (names []string) {
	for _, c := range calls {
		names = append(names, c.name)
	}
	return names
}
