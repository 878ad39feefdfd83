package postpresstest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// routesOut is how webhooks leave the double.
type routesOut struct {
	replicas  []http.RoundTripper
	receivers []receiver
	sockets   *http.Transport // the default way, if it is taken
	bubble    bool
}

// receiver is a handler served in memory.
type receiver struct {
	net       *network
	transport *http.Transport
}

func newRoutesOut(c *webhookConfig) routesOut {
	r := routesOut{replicas: c.transports, bubble: inBubble()}
	for _, h := range c.receivers {
		n := newMemNetwork(h)
		t := newTransport(n.mem)
		t.DisableCompression = true // it would add a header
		r.receivers = append(r.receivers, receiver{n, t})
		r.replicas = append(r.replicas, t)
	}
	if len(r.replicas) == 0 {
		r.sockets = newLoopbackTransport()
		r.replicas = []http.RoundTripper{r.sockets}
	}
	return r
}

func (r *routesOut) close() {
	if r.sockets != nil {
		r.sockets.CloseIdleConnections()
	}
	for _, in := range r.receivers {
		in.transport.CloseIdleConnections()
		in.net.close()
		in.transport.CloseIdleConnections()
	}
}

// refuse says why nothing is sent to a URL, or "".
func (r *routesOut) refuse(u *url.URL) string {
	here := isLoopback(u.Hostname())
	switch {
	case u.Scheme != "https" && !here:
		return "refused: plain http to a host that is not loopback would show the secret on the way"
	case r.sockets != nil && !here:
		return "refused: the double contacts no host but loopback ones; see WithWebhookReceiver"
	case r.sockets != nil && r.bubble:
		return "refused: a socket would stop the clock of the synctest bubble; see WithWebhookReceiver"
	}
	return ""
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// newLoopbackTransport looks at the address it is about to dial: localhost is only a
// name, and somebody may have made it another host's.
func newLoopbackTransport() *http.Transport {
	dialer := &net.Dialer{
		Timeout: 10 * time.Second,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			if at, err := netip.ParseAddrPort(address); err != nil || !isLoopback(at.Addr().String()) {
				return fmt.Errorf("refused: %s is not a loopback address", address)
			}
			return nil
		},
	}
	return &http.Transport{DialContext: dialer.DialContext, DisableCompression: true, IdleConnTimeout: 90 * time.Second}
}
