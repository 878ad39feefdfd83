package faulttest

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
)

// fault is one thing that goes wrong. All but the names may be left out.
type fault struct {
	group, name string

	conn   func(*net.TCPConn)            // what a connection meets instead of a server
	answer func(*exchange)               // what an HTTP/1.1 request gets
	h2     func(conn *h2, stream uint32) // what an HTTP/2 request gets
	tls    *tls.Config                   // of the server; nil: plain
	base   func(*peer) string            // of the client
	pool   func() *http.Transport        // of the client; nil: the default one
	stalls bool                          // give attempts little time
	passes bool                          // is worth a look at what one strike does
	unseen bool                          // the server does not see each attempt as a request
	varies bool                          // the texts do: not for the table
	late   bool                          // an attempt may be over before the server has read it, on a busy machine
	looks  int                           // of a wait before its deadline; 0: 2
	skip   []string                      // calls that have no use for it
}

func (f fault) skips(call string) bool { return slices.Contains(f.skip, call) }

func (f fault) enoughLooks() int {
	if f.looks > 0 {
		return f.looks
	}
	return 2
}

// url has a prefix, as the API's own has.
func (f fault) url(p *peer) string {
	switch {
	case f.base != nil:
		return f.base(p)
	case f.tls != nil:
		return "https://" + p.ln.Addr().String() + "/v1"
	}
	return "http://" + p.ln.Addr().String() + "/v1"
}

func faults() (all []fault) {
	for _, g := range []struct {
		group  string
		faults []fault
	}{
		{groupConnect, connectFaults()}, {groupBreak, breakFaults()}, {groupSilence, silenceFaults()},
		{groupTLS, tlsFaults()}, {groupH2, h2Faults()}, {groupHTTP, httpFaults()},
		{groupBody, bodyFaults()}, {groupNo, noFaults()}, {groupClock, clockFaults()},
	} {
		for _, f := range g.faults {
			f.group = g.group
			if f.group != groupBody && f.group != groupNo {
				f.skip = append(f.skip, "ConnectAccount") // which differs from StartWhatsAppQR in what it reads
			}
			all = append(all, f)
		}
	}
	return all
}

const (
	groupConnect = "No connection"
	groupBreak   = "The connection breaks"
	groupSilence = "The server says nothing"
	groupTLS     = "TLS"
	groupH2      = "HTTP/2"
	groupHTTP    = "Not the HTTP it should be"
	groupBody    = "Answers that cannot be read, or just so"
	groupNo      = "Answers that say no"
	groupClock   = "Clocks and time"
)
