package postpress_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// A refresh that fails in passing is repeated, and what is shown stays. Where it
// may have been carried out, it is repeated with the same key.
func TestLinkRefreshFailsInPassing(t *testing.T) {
	once := postpress.WithRetryPolicy(postpress.RetryPolicy{MaxAttempts: 1})
	for name, c := range map[string]struct {
		fault postpresstest.Fault
		keys  int
	}{
		"503 no handler":  {postpresstest.Fault{Status: 503, Type: "no_handler"}, 3},
		"429":             {postpresstest.Fault{Status: 429, Header: http.Header{"Retry-After": {"3"}}}, 3},
		"lost answer":     {postpresstest.Fault{Kind: postpresstest.FaultLostAnswer}, 2},
		"gateway":         {postpresstest.Fault{Kind: postpresstest.FaultHTML}, 2},
		"unreadable page": {postpresstest.Fault{Kind: postpresstest.FaultHTML, Status: 200}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				d.client = d.srv.Client(once)
				link := d.start(postpress.LinkRequest{})
				v := d.view(link)
				c.fault.Method, c.fault.Path = "POST", "/accounts/{id}"
				d.srv.Inject(c.fault)
				d.until(62 * time.Second)
				assert.NoError(t, v.last().err)
				assert.Equal(t, postpress.LinkShow, v.last().step.State)
				assert.Len(t, v.all, 2+min(1, strings.Count(v.states(), "expired")), v.states())
				keys := map[string]bool{}
				for _, r := range d.srv.Requests() {
					if r.Method == http.MethodPost {
						keys[r.IdempotencyKey] = true
					}
				}
				assert.Len(t, keys, c.keys, d.postTimes())
				require.NoError(t, link.Cancel(d.t.Context()))
			}, postpresstest.WithReissue(postpresstest.ReissueAlways))
		})
	}
}

// The API says when it may be asked again.
func TestLinkRefreshHeedsRetryAfter(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		d.srv.Inject(postpresstest.Fault{Method: "POST", Path: "/accounts/{id}", Status: 429, Header: http.Header{"Retry-After": {"45"}}})
		d.until(2 * time.Minute)
		assert.Equal(t, "0s 202, 52s 429, 1m39s 202", d.postTimes())
		require.NoError(t, link.Cancel(d.t.Context()))
	}, postpresstest.WithReissue(postpresstest.ReissueAlways))
}

// What fails for good is the outcome.
func TestLinkRefreshFails(t *testing.T) {
	for name, c := range map[string]struct {
		fault postpresstest.Fault
		want  error
	}{
		"401":        {postpresstest.Fault{Status: 401}, postpress.ErrUnauthorized},
		"403":        {postpresstest.Fault{Status: 403}, postpress.ErrForbidden},
		"checkpoint": {postpresstest.Fault{Status: 202, Body: `{"object":"Checkpoint","account_id":"acc_1","checkpoint":{"type":"PASSKEY","x":1}}`}, postpress.ErrUnsupportedCheckpoint},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				link := d.start(postpress.LinkRequest{})
				c.fault.Method, c.fault.Path = "POST", "/accounts/{id}"
				d.srv.Inject(c.fault)
				le := d.failed(link, c.want)
				assert.Less(t, d.now(), 70*time.Second)
				var start *postpress.StartError
				if name == "checkpoint" {
					require.ErrorAs(t, le, &start)
					assert.JSONEq(t, `{"type":"PASSKEY","x":1}`, string(start.Checkpoint.Raw))
				}
				assert.Empty(t, d.accounts(), "cleaned up")
			})
		})
	}
}

// WhatsApp may ask for a passkey after the scan.
func TestLinkEndsAtAnUnknownCheckpoint(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.srv.Inject(postpresstest.Fault{Method: "GET", Path: "/accounts/{id}", Status: 202, Times: 2,
			Body: `{"object":"Checkpoint","account_id":"acc_1","checkpoint":{"type":"PASSKEY","x":1}}`})
		le := d.failed(d.start(postpress.LinkRequest{}), postpress.ErrUnsupportedCheckpoint)
		var start *postpress.StartError
		require.ErrorAs(t, le, &start)
		assert.JSONEq(t, `{"type":"PASSKEY","x":1}`, string(start.Checkpoint.Raw))
	})
}

// The last failure of a refresh is told when the time is up.
func TestLinkTellsWhyItCouldNotRefresh(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.client = d.srv.Client(postpress.WithRetryPolicy(postpress.RetryPolicy{MaxAttempts: 1}))
		link := d.start(postpress.LinkRequest{PhoneNumber: linkPhone}, postpress.WithLinkTimeout(4*time.Minute))
		d.srv.Inject(postpresstest.Fault{Method: "POST", Path: "/accounts/{id}", Status: 429, Times: postpresstest.Always})
		le := d.failed(link, postpress.ErrIntentExpired)
		assert.ErrorIs(t, le, postpress.ErrRateLimited)
		assert.ErrorContains(t, le, "QR code")
	})
}
