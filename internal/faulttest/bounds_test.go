package faulttest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

// bound is how long a call takes with all the defaults, on a clock that is not the real one.
type bound struct {
	situation, call string
	run             func(context.Context, *postpress.Client, fault) error
	dial            func() dialer
	h2              bool
	ok              bool
	atMost          time.Duration
}

type dialer = func(context.Context, string, string) (net.Conn, error)

func waitDefault(ctx context.Context, c *postpress.Client, _ fault) error {
	_, err := c.WaitForConnection(ctx, account)
	return err
}

var allBounds = []bound{
	{"the server accepts, and never says anything", "`GetAccount`", getAccount, always(silent), false, false, 91 * time.Second},
	{"the same", "`ConnectAccount`, `StartWhatsAppQR`, `LinkWhatsApp`", startQR, always(silent), false, false, 91 * time.Second},
	{"the same", "`WaitForConnection`", waitDefault, always(silent), false, false, 330 * time.Second},
	{"nobody listens", "`WaitForConnection`", waitDefault, always(nil), false, false, 330 * time.Second},
	{"an HTTP/2 connection turns into a black hole, a new one works", "`GetAccount`", getAccount, firstOf(h2Hole, h2Well), true, true, 26 * time.Second},
	{"the same", "`WaitForConnection`", waitDefault, firstOf(h2Hole, h2Well), true, true, 30 * time.Second},
	{"an HTTP/1.1 connection turns into a black hole, a new one works", "`GetAccount`", getAccount, firstOf(silent, h1Well), false, true, 31 * time.Second},
	{"the same", "`WaitForConnection`", waitDefault, firstOf(silent, h1Well), false, true, 26 * time.Second},
}

// bounds is their table.
func bounds(t *testing.T) string {
	var b strings.Builder
	b.WriteString("## How long it takes\n\nWith all the defaults and a context without a deadline. `WithTimeout` shortens an attempt, of which there are three;\n" +
		"a context bounds the whole call.\n\n| situation | call | what you get | after at most |\n|---|---|---|---|\n")
	for _, x := range allBounds {
		err := x.measure(t)
		got := "success"
		if !x.ok {
			require.Error(t, err)
			got = kindOf(err)
		} else {
			require.NoError(t, err)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %.0f s |\n", x.situation, x.call, got, x.atMost.Seconds())
	}
	return b.String()
}

func (x bound) measure(t *testing.T) (err error) {
	var took time.Duration
	send, ping := pings(t)
	synctest.Test(t, func(t *testing.T) {
		pool := &http.Transport{DialContext: x.dial(), HTTP2: &http.HTTP2Config{SendPingTimeout: send, PingTimeout: ping}}
		if x.h2 {
			pool.Protocols = new(http.Protocols)
			pool.Protocols.SetUnencryptedHTTP2(true)
		}
		c, newErr := postpress.New(apiKey, postpress.WithBaseURL("http://127.0.0.1/v1"), postpress.WithHTTPClient(&http.Client{Transport: pool}))
		require.NoError(t, newErr)
		began := time.Now()
		err = x.run(t.Context(), c, fault{})
		took = time.Since(began)
		c.Close()
		pool.CloseIdleConnections()
		time.Sleep(time.Second)
		synctest.Wait()
	})
	assert.LessOrEqual(t, took, x.atMost, "%s: %s", x.situation, x.call)
	return err
}

// pings are what the default pool has: fields that nothing exports, and that no
// test can wait for.
func pings(t *testing.T) (send, ping time.Duration) {
	c, err := postpress.New(apiKey)
	require.NoError(t, err)
	pool := reflect.ValueOf(c).Elem().FieldByName("wire").Elem().FieldByName("owned").Index(0).Elem().FieldByName("HTTP2").Elem()
	return time.Duration(pool.FieldByName("SendPingTimeout").Int()), time.Duration(pool.FieldByName("PingTimeout").Int())
}

func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func always(serve func(net.Conn)) func() dialer {
	return func() dialer {
		return func(context.Context, string, string) (net.Conn, error) { return inMemory(serve) }
	}
}

// firstOf serves the first connection in one way, and all others in another.
func firstOf(first, others func(net.Conn)) func() dialer {
	return func() dialer {
		next := make(chan func(net.Conn), 1)
		next <- first
		return func(context.Context, string, string) (net.Conn, error) {
			serve := <-next
			next <- others
			return inMemory(serve)
		}
	}
}

func inMemory(serve func(net.Conn)) (net.Conn, error) {
	if serve == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("connection refused")}
	}
	near, far := net.Pipe()
	read := make(chan []byte, 1024)
	go func() {
		defer close(read)
		for {
			b := make([]byte, 4096)
			n, err := far.Read(b)
			if err != nil {
				return
			}
			read <- b[:n]
		}
	}()
	go func() {
		defer far.Close()
		serve(&buffered{Conn: far, read: read})
	}()
	return near, nil
}

// buffered is the far end of a pipe with room for what was written and not read yet:
// without it, two ends that both write wait for each other.
type buffered struct {
	net.Conn
	read <-chan []byte
	rest []byte
}

func (b *buffered) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		rest, open := <-b.read
		if !open {
			return 0, io.EOF
		}
		b.rest = rest
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func h1Well(c net.Conn) { (&peer{hits: every}).talk(nil, c) }
func h2Well(c net.Conn) { (&h2{peer: &peer{}, c: c}).serve() }
func h2Hole(c net.Conn) {
	(&h2{peer: &peer{fault: fault{h2: func(h *h2, _ uint32) { h.hole() }}}, c: c}).serve()
}
