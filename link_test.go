package postpress_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

const linkPhone = "33612345678"

func TestLinkByQRCode(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		v := d.view(link)
		d.until(20 * time.Second)
		require.NoError(t, d.srv.ScanQR(string(v.last().step.Checkpoint.QRCode)))
		a, err := d.end(link)
		assertConnected(t, a, err)
		<-v.done
		assert.Equal(t, "0s show, 20s connected", v.states())
		assert.Equal(t, a.ID, link.AccountID())
		assert.Equal(t, []string{a.ID}, d.accounts())
		assert.Equal(t, 1, d.posts())
		assert.Equal(t, a.ID, v.last().step.Account.ID)
	})
}

func TestLinkByPairingCode(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{PhoneNumber: "+33 6 12 34 56 78"})
		v := d.view(link)
		d.until(149 * time.Second)
		assert.Equal(t, "0s show", v.states(), "not renewed because a QR code would have rotated")
		assert.Equal(t, 1, d.posts())
		require.NoError(t, d.srv.EnterPairingCode(link.AccountID(), string(v.last().step.Checkpoint.PairingCode)))
		a, err := d.end(link)
		assertConnected(t, a, err)
		assert.Equal(t, linkPhone, a.PhoneNumber())
	})
}

func TestLinkReplacesAPairingCode(t *testing.T) {
	atDesk(t, func(d *desk) {
		v := d.view(d.start(postpress.LinkRequest{PhoneNumber: linkPhone}))
		d.until(165 * time.Second)
		assert.Equal(t, "0s show, 2m40s show", v.states())
		first, second := v.all[0].step.Checkpoint, v.last().step.Checkpoint
		assert.NotEqual(t, first.PairingCode, second.PairingCode)
		require.NoError(t, d.srv.EnterPairingCode(second.AccountID, string(second.PairingCode)))
		<-v.done
	})
}

func TestLinkConnectedAtOnce(t *testing.T) {
	atDesk(t, func(d *desk) {
		there := d.srv.AddAccount(postpresstest.Account{})
		d.srv.Inject(postpresstest.Fault{Method: "POST", Path: "/accounts", Status: 201, Body: `{"object":"AccountCreated","account_id":"` + there.ID + `"}`})
		link := d.start(postpress.LinkRequest{})
		a, err := d.end(link)
		assertConnected(t, a, err)
		assert.Equal(t, there.ID, a.ID)
		assert.Equal(t, 1, d.sent("GET", "/accounts/"), "it is looked at")
		assert.Zero(t, d.now())
	})
}

func TestLinkReconnects(t *testing.T) {
	atDesk(t, func(d *desk) {
		there := d.srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})
		link := d.start(postpress.LinkRequest{AccountID: there.ID})
		assert.Equal(t, there.ID, link.AccountID())
		assert.Empty(t, link.State().Created, "nothing that may be deleted")
		d.until(30 * time.Second)
		require.NoError(t, d.srv.Scan(there.ID))
		a, err := d.end(link)
		assertConnected(t, a, err)

		_, err = d.client.LinkWhatsApp(d.t.Context(), postpress.LinkRequest{AccountID: there.ID})
		assert.ErrorIs(t, err, postpress.ErrAlreadyConnected)
	})
}

func TestLinkRefusesBadArguments(t *testing.T) {
	d := newDesk(t)
	defer d.srv.Close()
	for name, c := range map[string]struct {
		req   postpress.LinkRequest
		opts  []postpress.LinkOption
		field string
	}{
		"phone":   {req: postpress.LinkRequest{PhoneNumber: "0612345678"}, field: "phoneNumber"},
		"expect":  {req: postpress.LinkRequest{ExpectPhoneNumber: "+33 (0)612345678"}, field: "phoneNumber"},
		"id":      {req: postpress.LinkRequest{AccountID: "a/b"}, field: "AccountID"},
		"country": {req: postpress.LinkRequest{Country: "fr"}, field: "Country"},
		"proxy":   {req: postpress.LinkRequest{Proxy: &postpress.Proxy{Protocol: "ftp"}}, field: "Proxy.Protocol"},
		"key":     {opts: []postpress.LinkOption{postpress.WithLinkKey("")}, field: "WithLinkKey"},
		"timeout": {opts: []postpress.LinkOption{postpress.WithLinkTimeout(0)}, field: "WithLinkTimeout"},
		"long":    {opts: []postpress.LinkOption{postpress.WithLinkTimeout(25 * time.Hour)}, field: "WithLinkTimeout"},
		"every":   {opts: []postpress.LinkOption{postpress.WithLinkRefresh(time.Millisecond, 1)}, field: "WithLinkRefresh"},
		"times":   {opts: []postpress.LinkOption{postpress.WithLinkRefresh(0, -1)}, field: "WithLinkRefresh"},
		"request": {opts: []postpress.LinkOption{postpress.WithLinkRequest(postpress.LinkRequest{})}, field: "WithLinkRequest"},
	} {
		link, err := d.client.LinkWhatsApp(t.Context(), c.req, c.opts...)
		assert.Nil(t, link)
		var bad *postpress.ArgumentError
		if assert.ErrorAs(t, err, &bad, name) {
			assert.Equal(t, c.field, bad.Field, name)
		}
	}
	assert.Empty(t, d.srv.Requests(), "before any I/O")
}

func TestLinkStartError(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.srv.Inject(postpresstest.Fault{Method: "POST", Status: 401})
		_, err := d.client.LinkWhatsApp(d.t.Context(), postpress.LinkRequest{})
		require.ErrorIs(t, err, postpress.ErrUnauthorized)
		var api *postpress.APIError
		assert.ErrorAs(t, err, &api)

		d.srv.Inject(postpresstest.Fault{Method: "POST", Status: 202, Body: `{"object":"Checkpoint","account_id":"acc_1","checkpoint":{"type":"PASSKEY","x":1}}`})
		_, err = d.client.LinkWhatsApp(d.t.Context(), postpress.LinkRequest{})
		require.ErrorIs(t, err, postpress.ErrUnsupportedCheckpoint)
		var start *postpress.StartError
		require.ErrorAs(t, err, &start)
		assert.JSONEq(t, `{"type":"PASSKEY","x":1}`, string(start.Checkpoint.Raw))

		ctx, cancel := context.WithCancel(d.t.Context())
		cancel()
		_, err = d.client.LinkWhatsApp(ctx, postpress.LinkRequest{})
		assert.ErrorIs(t, err, context.Canceled)
	})
}

// Too many pairing codes: the person can link by QR code.
func TestLinkSuggestsTheQRCode(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.client = d.srv.Client(postpress.WithRetryPolicy(postpress.RetryPolicy{MaxAttempts: 1}))
		d.srv.Inject(postpresstest.Fault{Method: "POST", Status: 429, Times: 2})
		_, err := d.client.LinkWhatsApp(d.t.Context(), postpress.LinkRequest{PhoneNumber: linkPhone})
		require.ErrorIs(t, err, postpress.ErrRateLimited)
		assert.ErrorContains(t, err, "QR code")
		_, err = d.client.LinkWhatsApp(d.t.Context(), postpress.LinkRequest{})
		require.ErrorIs(t, err, postpress.ErrRateLimited)
		assert.NotContains(t, err.Error(), "QR code")
	})
}

func TestLinkThroughAProxyThatCuts(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.through(cutGets(10 * time.Second))
		link := d.start(postpress.LinkRequest{})
		d.until(40*time.Second - time.Millisecond)
		assert.LessOrEqual(t, d.sent("GET", "/accounts/"), 5)
		d.until(43 * time.Second)
		require.NoError(t, d.srv.Scan(link.AccountID()))
		a, err := d.end(link)
		assertConnected(t, a, err)
		assert.Equal(t, 1, d.posts())
		assert.Equal(t, 43*time.Second, d.now())
	})
}

func TestLinkExpectsAPhoneNumber(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{ExpectPhoneNumber: "+54 9 11 2345-6789"})
		require.NoError(t, d.srv.ScanAs(link.AccountID(), "541123456789"))
		a, err := d.end(link)
		assertConnected(t, a, err)

		link = d.start(postpress.LinkRequest{ExpectPhoneNumber: linkPhone})
		require.NoError(t, d.srv.ScanAs(link.AccountID(), "33612345679"))
		le := d.failed(link, postpress.ErrWrongAccount)
		assert.Equal(t, link.AccountID(), le.AccountID)
		assert.NotContains(t, le.Error(), "3361234567")
		assert.Zero(t, d.sent("DELETE", "/accounts/"), "the account that was linked is left as it is")
		assert.Len(t, d.accounts(), 2)
	})
}

// An account that tells no number is not known to be the one expected.
func TestLinkExpectsANumberThatIsNotTold(t *testing.T) {
	for told, want := range map[time.Duration]error{4 * time.Second: nil, time.Hour: postpress.ErrWrongAccount} {
		atDesk(t, func(d *desk) {
			d.through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				resp, err := next.RoundTrip(r)
				if err == nil && r.Method == http.MethodGet && d.now() < told {
					resp = jsonBody(resp, `{"object":"Account","type":"WHATSAPP","sources":[{"id":"s","status":"OK"}]}`)
				}
				return resp, err
			})
			link := d.start(postpress.LinkRequest{ExpectPhoneNumber: linkPhone})
			require.NoError(t, d.srv.ScanAs(link.AccountID(), linkPhone))
			_, err := d.end(link)
			assert.ErrorIs(t, err, want)
			assert.Zero(t, d.sent("DELETE", "/accounts/"))
			assert.LessOrEqual(t, d.now(), 12*time.Second)
		})
	}
}

func TestLinkRefreshAsksForTheSame(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{Country: "FR", Proxy: &postpress.Proxy{Protocol: "http", Host: "h", Port: 1}})
		d.until(70 * time.Second)
		require.NoError(t, link.Cancel(d.t.Context()))
		keys := map[string]bool{}
		for _, r := range d.srv.Requests() {
			if r.Method != http.MethodPost {
				continue
			}
			keys[r.IdempotencyKey] = true
			var body map[string]any
			require.NoError(t, json.Unmarshal(r.Body, &body))
			assert.Equal(t, "FR", body["country"], "a refresh asks for the same as the start")
			assert.NotNil(t, body["proxy"])
		}
		assert.Len(t, keys, 3, "start, 425, refresh: each its own")
	})
}
