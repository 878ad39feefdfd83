package faulttest

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

// A server that comes and goes: calls fail while it is away and work as soon as it is
// back, and a wait lives through all of it.
func TestServerComesAndGoes(t *testing.T) {
	var linked atomic.Bool
	f := fault{answer: func(x *exchange) {
		if linked.Load() || strings.HasSuffix(x.req.URL.Path, "other") {
			x.well()
			return
		}
		x.json(http.StatusOK, `{"id":"`+account+`","sources":[{"status":"CONNECTING"}]}`)
	}}
	p := newPeer(f, false, every)
	addr := p.ln.Addr().String()
	c, err := postpress.New(apiKey, postpress.WithBaseURL("http://"+addr+"/v1"),
		postpress.WithRetryPolicy(postpress.RetryPolicy{MaxAttempts: 2, BaseDelay: time.Millisecond}))
	require.NoError(t, err)
	defer c.Close()

	waited := make(chan error, 1)
	var looks, failed atomic.Int64
	go func() {
		_, err := c.WaitForConnection(t.Context(), account, postpress.WithPollInterval(10*time.Millisecond, 20*time.Millisecond),
			postpress.WithPollTimeout(stallTimeout), postpress.WithProgress(func(w postpress.WaitProgress) {
				looks.Add(1)
				if w.Err != nil {
					failed.Add(1)
				}
			}))
		waited <- err
	}()
	for round := range 5 {
		_, err := c.GetAccount(t.Context(), "other")
		require.NoError(t, err, "round %d", round)
		p.close()
		_, err = c.GetAccount(t.Context(), "other")
		require.ErrorIs(t, err, postpress.ErrUnavailable, "round %d", round)
		sofar := failed.Load()
		require.True(t, eventually(patience, func() bool { return failed.Load() > sofar }), "the wait looks on")
		p = newPeerAt(addr, f, false, every)
	}
	linked.Store(true)
	require.NoError(t, <-waited)
	t.Logf("%d looks, %d of them in vain", looks.Load(), failed.Load())
	p.close()
}

// Every second connection breaks in another way: no call of many fails, since the
// retry budget gives back what a retry that succeeds has cost.
func TestEverySecondRequestFails(t *testing.T) {
	ways := []func(*exchange){
		(*exchange).reset, (*exchange).close, page(http.StatusBadGateway), refuses(503, "no_handler"), after("HTTP/1.1 200 OK\r\n", (*exchange).close),
	}
	p := newPeer(fault{answer: func(x *exchange) {
		if x.n%2 == 0 {
			x.well()
			return
		}
		ways[int(x.n/2)%len(ways)](x)
	}}, false, every)
	defer p.close()
	c, err := postpress.New(apiKey, postpress.WithBaseURL("http://"+p.ln.Addr().String()+"/v1"),
		postpress.WithRetryPolicy(postpress.RetryPolicy{BaseDelay: time.Millisecond}))
	require.NoError(t, err)
	defer c.Close()
	const n = 40
	for i := range n {
		_, err := c.ConnectAccount(t.Context(), postpress.ConnectRequest{Provider: postpress.ProviderWhatsApp}, postpress.WithIdempotencyKey(fmt.Sprint("key", i)))
		require.NoError(t, err, "call %d", i)
	}
	assert.EqualValues(t, 2*n, p.requests.Load(), "each call is sent twice")
}
