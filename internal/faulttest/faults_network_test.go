package faulttest

import (
	"net"
	"net/http"
	"strings"
	"time"
)

func connectFaults() []fault {
	return []fault{
		{name: "connection refused", unseen: true,
			base: func(*peer) string { return "http://127.0.0.1:1/v1" }}, // nobody listens there
		{name: "connecting is not answered", unseen: true, base: fullQueue(),
			pool: func() *http.Transport {
				return &http.Transport{DialContext: (&net.Dialer{Timeout: stallTimeout / 2}).DialContext}
			}},
		{name: "name does not exist", unseen: true, base: named, pool: resolving(nxDomain)},
		{name: "name server fails", unseen: true, base: named, pool: resolving(serverFailure)},
		{name: "name server does not answer", unseen: true, base: named, pool: resolving(dnsSilence)},
	}
}

func breakFaults() []fault {
	const body = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	chunks := strings.Replace(body, "Content-Length: 500", "Transfer-Encoding: chunked", 1) + "1f4\r\n"
	return []fault{
		// Whether the client has got as far as to send something is a matter of luck.
		{name: "reset at once", unseen: true, passes: true, varies: true, conn: resetConn},
		{name: "reset before the request is read", unseen: true, passes: true,
			conn: func(c *net.TCPConn) { _, _ = c.Read(make([]byte, 1)); resetConn(c) }},
		{name: "reset after the request", passes: true, answer: func(x *exchange) { x.reset() }},
		{name: "closed after the request", passes: true, answer: func(x *exchange) { x.close() }},
		{name: "reset during the headers", passes: true, answer: after(head, (*exchange).reset)},
		{name: "closed during the headers", passes: true, answer: after(head, (*exchange).close)},
		{name: "reset during the body", passes: true, answer: after(body+secretBody, (*exchange).reset)},
		{name: "closed during the body", passes: true, answer: after(body+secretBody, (*exchange).close)},
		{name: "closed during a chunk", passes: true, answer: after(chunks+secretBody, (*exchange).close)},
		{name: "every second request is reset", answer: func(x *exchange) {
			if x.n%2 == 1 {
				x.reset()
			} else {
				x.well()
			}
		}},
	}
}

func silenceFaults() []fault {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n"
	return []fault{
		{name: "no answer", stalls: true, passes: true, answer: (*exchange).stall},
		{name: "stalls during the headers", stalls: true, passes: true, answer: after(head, (*exchange).stall)},
		{name: "stalls during the body", stalls: true, passes: true, answer: after(head+"\r\n"+secretBody, (*exchange).stall)},
		{name: "body in drops, never whole", stalls: true, passes: true, answer: func(x *exchange) {
			x.over = true
			x.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for {
				if _, err := x.c.Write([]byte("1\r\n \r\n")); err != nil {
					return
				}
				time.Sleep(stallTimeout / 20)
			}
		}},
	}
}

// after sends the beginning of an answer and lets it arrive before end comes. Where
// it does not arrive in time the fault is that of an earlier phase.
func after(text string, end func(*exchange)) func(*exchange) {
	return func(x *exchange) {
		x.raw(text)
		time.Sleep(20 * time.Millisecond)
		end(x)
	}
}
