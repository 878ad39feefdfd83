package faulttest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// fullQueue is the address of a socket whose queue of connections is full: further
// ones get no answer at all, as behind a firewall that drops them.
func fullQueue() func(*peer) string {
	addr := fullSocket()
	return func(*peer) string { return "http://" + addr + "/v1" }
}

var fullSocket = sync.OnceValue(func() string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	must(err)
	must(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(syscall.Listen(fd, 0))
	name, err := syscall.Getsockname(fd)
	must(err)
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for { // they stay open as long as this process lives
		if _, err := net.DialTimeout("tcp", addr, time.Second); err != nil {
			return addr
		}
	}
})

// named addresses the peer by a name that has to be resolved.
func named(p *peer) string {
	_, port, _ := net.SplitHostPort(p.ln.Addr().String())
	return "http://api.postpress.test:" + port + "/v1"
}

// Answers of a name server (RFC 1035 §4.1.1), and none.
const (
	serverFailure = 2
	nxDomain      = 3
	dnsSilence    = -1
)

// resolving makes clients that ask a name server of ours, over UDP.
func resolving(code int) func() *http.Transport {
	addr := nameServer(code)
	return func() *http.Transport {
		resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "udp", addr)
		}}
		return &http.Transport{DialContext: (&net.Dialer{Timeout: dnsPatience(code), Resolver: resolver}).DialContext}
	}
}

func dnsPatience(code int) time.Duration {
	if code == dnsSilence {
		return stallTimeout / 2
	}
	return hangs
}

var nameServers sync.Map // by code

func nameServer(code int) string {
	start, _ := nameServers.LoadOrStore(code, sync.OnceValue(func() string {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		must(err)
		go func() {
			query := make([]byte, 512)
			for {
				n, from, err := c.ReadFrom(query)
				if err != nil {
					return
				}
				if code == dnsSilence || n < 12 {
					continue
				}
				query[2], query[3] = query[2]|0x80, 0x80|byte(code) // the question comes back as the answer
				_, _ = c.WriteTo(query[:n], from)
			}
		}()
		return c.LocalAddr().String()
	}))
	return start.(func() string)()
}
