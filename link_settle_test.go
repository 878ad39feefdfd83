package postpress_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func TestLinkCancelDeletesWhatItCreated(t *testing.T) {
	for name, opts := range map[string][]postpresstest.Option{
		"held": nil, "answered at once": {postpresstest.WithHold(0)},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				link := d.start(postpress.LinkRequest{})
				v := d.view(link)
				d.until(10 * time.Second)
				require.NoError(t, link.Cancel(d.t.Context()))
				le := d.failed(link, postpress.ErrLinkCanceled)
				assert.NotErrorIs(t, le, context.Canceled, "that is a viewer's own")
				assert.Empty(t, le.LeftOver)
				assert.Empty(t, d.accounts())
				<-v.done
				assert.Equal(t, postpress.LinkExpired, v.all[1].step.State, "the code is hidden before its account goes")
				assert.LessOrEqual(t, d.now(), 35*time.Second)
				require.NoError(t, link.Cancel(d.t.Context()), "again")
			}, opts...)
		})
	}
}

// The phone was faster: whoever cancels learns that from Wait.
func TestLinkCancelOfAConnectedAccount(t *testing.T) {
	for _, reconnect := range []bool{false, true} {
		atDesk(t, func(d *desk) {
			req := postpress.LinkRequest{}
			if reconnect {
				req.AccountID = d.srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials}).ID
			}
			d.through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				if r.Method == http.MethodGet && d.now() < 10*time.Second {
					<-r.Context().Done() // the wait does not hear of it
					return nil, r.Context().Err()
				}
				return next.RoundTrip(r)
			})
			link := d.start(req)
			d.until(5 * time.Second)
			require.NoError(t, d.srv.Scan(link.AccountID()))
			d.until(10 * time.Second)
			require.NoError(t, link.Cancel(d.t.Context()))
			a, err := d.end(link)
			assertConnected(t, a, err)
			assert.Zero(t, d.sent("DELETE", "/accounts/"))
		})
	}
}

// An account that is about to connect is waited for.
func TestLinkCancelWhileConnecting(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		d.until(5 * time.Second)
		require.NoError(t, d.srv.Scan(link.AccountID()))
		d.until(6 * time.Second)
		require.NoError(t, link.Cancel(d.t.Context()))
		a, err := d.end(link)
		assertConnected(t, a, err)
	}, postpresstest.WithHold(0), postpresstest.WithConnectDelay(9*time.Second))
}

// One that is CONNECTING for long, where that is a sign that its phone has
// answered, is not verified to be unlinked.
func TestLinkCancelLeavesWhatConnects(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err == nil && r.Method == http.MethodGet {
				resp = jsonBody(resp, `{"object":"Account","type":"WHATSAPP","sources":[{"id":"s","status":"CONNECTING"}]}`)
			}
			return resp, err
		})
		link := d.start(postpress.LinkRequest{})
		d.until(30 * time.Second) // a look was held
		d.srv.Inject(postpresstest.Fault{Method: "GET", Status: 200, Times: postpresstest.Always})
		require.NoError(t, link.Cancel(d.t.Context()))
		le := d.failed(link, postpress.ErrLinkCanceled)
		assert.Equal(t, []string{link.AccountID()}, le.LeftOver)
		assert.ErrorContains(t, le, "left behind")
		assert.Zero(t, d.sent("DELETE", "/accounts/"))
		assert.LessOrEqual(t, d.now(), 50*time.Second, "bounded")
	})
}

func TestLinkTellsWhatItCouldNotCleanUp(t *testing.T) {
	for name, fault := range map[string]postpresstest.Fault{
		"no DELETE": {Method: "DELETE", Status: 500, Times: postpresstest.Always},
		"no GET":    {Method: "GET", Status: 503, Times: postpresstest.Always},
		"refused":   {Method: "GET", Status: 403, Times: postpresstest.Always},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				link := d.start(postpress.LinkRequest{})
				d.until(time.Second)
				d.srv.Inject(fault)
				require.NoError(t, link.Cancel(d.t.Context()))
				le := d.failed(link, postpress.ErrLinkCanceled)
				assert.Equal(t, []string{link.AccountID()}, le.LeftOver)
				assert.Equal(t, le.LeftOver, link.State().LeftOver)
				assert.True(t, link.State().Ended)
				assert.Len(t, d.accounts(), 1)
				assert.Less(t, d.now(), 40*time.Second)
				d.srv.ClearFaults()
			})
		})
	}
}

// A status that is no connection, but a number: that account was linked once.
func TestLinkLeavesWhatWasLinked(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err == nil && r.Method == http.MethodGet {
				resp = jsonBody(resp, `{"object":"Account","type":"WHATSAPP","connection_params":{"im":{"phone_number":"33612345678"}},"sources":[{"id":"s","status":"CREDENTIALS"}]}`)
			}
			return resp, err
		})
		link := d.start(postpress.LinkRequest{})
		require.NoError(t, d.srv.Scan(link.AccountID()))
		le := d.failed(link, postpress.ErrConnectionFailed)
		assert.Equal(t, []string{link.AccountID()}, le.LeftOver)
		assert.Zero(t, d.sent("DELETE", "/accounts/"))
	})
}

func TestLinkCancelOfAReconnectDeletesNothing(t *testing.T) {
	atDesk(t, func(d *desk) {
		there := d.srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})
		link := d.start(postpress.LinkRequest{AccountID: there.ID})
		d.until(3 * time.Second)
		require.NoError(t, link.Cancel(d.t.Context()))
		d.failed(link, postpress.ErrLinkCanceled)
		assert.Zero(t, d.sent("DELETE", "/accounts/"))
		assert.Len(t, d.accounts(), 1)
	})
}

// The one who cancels may go; the attempt ends all the same.
func TestLinkCancelOutlivesItsContext(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		ctx, cancel := context.WithCancel(d.t.Context())
		cancel()
		require.ErrorIs(t, link.Cancel(ctx), context.Canceled)
		d.failed(link, postpress.ErrLinkCanceled)
		assert.Empty(t, d.accounts())
	})
}

// A refresh that runs when the attempt ends has created an account: it is cleaned up.
func TestLinkCancelDuringARefresh(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		d.until(10 * time.Second)
		d.srv.Inject(postpresstest.Fault{Method: "POST", Path: "/accounts", Latency: 5 * time.Second})
		require.NoError(t, d.srv.Expire(link.AccountID()))
		d.until(12 * time.Second) // the request for a new one is under way
		require.NoError(t, link.Cancel(d.t.Context()))
		d.failed(link, postpress.ErrLinkCanceled)
		assert.Equal(t, 2, d.sent("POST", "/accounts"))
		assert.Len(t, link.State().Created, 2)
		assert.Empty(t, d.accounts())
	})
}

// The answer of one that created an account was lost: the request is repeated
// with its key, to learn which one that is.
func TestLinkCleansUpWhatItDoesNotKnow(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.client = d.srv.Client(postpress.WithRetryPolicy(postpress.RetryPolicy{MaxAttempts: 1}))
		link := d.start(postpress.LinkRequest{})
		d.until(10 * time.Second)
		d.srv.Inject(postpresstest.Fault{Method: "POST", Path: "/accounts", Kind: postpresstest.FaultLostAnswer, Times: 4})
		require.NoError(t, d.srv.Expire(link.AccountID()))
		d.until(13 * time.Second)
		require.Len(t, d.accounts(), 1, "the new one")
		require.Len(t, link.State().Created, 1, "which is not known")
		d.srv.ClearFaults()
		require.NoError(t, link.Cancel(d.t.Context()))
		d.failed(link, postpress.ErrLinkCanceled)
		assert.Empty(t, d.accounts())
	})
}

func TestLinkRefreshThatHangsDoesNotKeepTheEnd(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		d.srv.Inject(postpresstest.Fault{Method: "POST", Latency: 24 * time.Hour, Times: postpresstest.Always})
		d.until(55 * time.Second)
		require.NoError(t, link.Cancel(d.t.Context()))
		d.failed(link, postpress.ErrLinkCanceled)
		assert.Less(t, d.now(), 90*time.Second)
		assert.Empty(t, d.accounts())
		synctest.Wait()
	})
}
