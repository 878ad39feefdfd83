package postpress_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// The status of a new account says nothing where it is CONNECTING from the
// start: the code stays, and is refreshed.
func TestLinkOfAnAPIThatAnswersAtOnce(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		v := d.view(link)
		d.until(100 * time.Second)
		assert.Equal(t, "0s show, 1m0s show", v.states())
		require.NoError(t, d.srv.Scan(link.AccountID()))
		a, err := d.end(link)
		assertConnected(t, a, err)
		assert.Less(t, d.now(), 120*time.Second)
	}, postpresstest.WithHold(0))
}

// While the phone connects, nothing is refreshed.
func TestLinkHoldsWhileConnecting(t *testing.T) {
	atDesk(t, func(d *desk) {
		there := d.srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})
		link := d.start(postpress.LinkRequest{AccountID: there.ID})
		v := d.view(link)
		d.until(30 * time.Second)
		require.NoError(t, d.srv.Scan(there.ID))
		d.until(100 * time.Second)
		assert.Equal(t, postpress.LinkConnecting, v.last().step.State)
		assert.ErrorIs(t, link.Refresh(d.t.Context()), postpress.ErrAuthInProgress)
		a, err := d.end(link)
		assertConnected(t, a, err)
		assert.Equal(t, 1, d.posts())
		<-v.done
		assert.Len(t, v.all, 3, "show, connecting, connected: no code expired in between")
	}, postpresstest.WithHold(0), postpresstest.WithConnectDelay(5*time.Minute))
}

// A new account counts as CONNECTING where looks at it were held before.
func TestLinkSeesANewAccountConnecting(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method == http.MethodGet && d.now() >= 40*time.Second && d.now() < 2*time.Minute {
				r = r.Clone(r.Context()) // the phone has answered: no look is held
				resp := &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: http.NoBody}
				return jsonBody(resp, `{"object":"Account","type":"WHATSAPP","sources":[{"id":"s","status":"CONNECTING"}]}`), nil
			}
			return next.RoundTrip(r)
		})
		link := d.start(postpress.LinkRequest{})
		v := d.view(link)
		d.until(119 * time.Second)
		assert.Equal(t, "0s show, 50s connecting", v.states())
		assert.Equal(t, 1, d.posts(), "no refresh")
		d.until(2 * time.Minute)
		require.NoError(t, d.srv.Scan(link.AccountID()))
		a, err := d.end(link)
		assertConnected(t, a, err)
	})
}

// Where a new account is CONNECTING for too long, that is no sign after all.
func TestLinkDoubtsConnecting(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method == http.MethodGet && d.now() >= 40*time.Second {
				resp := &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: http.NoBody}
				return jsonBody(resp, `{"object":"Account","type":"WHATSAPP","sources":[{"id":"s","status":"CONNECTING"}]}`), nil
			}
			return next.RoundTrip(r)
		})
		link := d.start(postpress.LinkRequest{})
		v := d.view(link)
		d.until(4 * time.Minute)
		assert.Regexp(t, "^0s show, 50s connecting, 2m50s show, 3m40s show$", v.states())
		require.NoError(t, link.Cancel(d.t.Context()))
	})
}

// A phone that answers in vain has used up the challenge: there is a new one at once.
func TestLinkFallsBackFromConnecting(t *testing.T) {
	atDesk(t, func(d *desk) {
		there := d.srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})
		link := d.start(postpress.LinkRequest{AccountID: there.ID})
		v := d.view(link)
		d.until(20 * time.Second)
		require.NoError(t, d.srv.Scan(there.ID))
		d.until(40 * time.Second)
		require.NoError(t, d.srv.SetStatus(there.ID, postpress.StatusCredentials))
		d.until(60 * time.Second)
		assert.Equal(t, postpress.LinkShow, v.last().step.State, v.states())
		assert.Equal(t, 2, d.posts())
		d.until(70 * time.Second)
		require.NoError(t, d.srv.SetStatus(there.ID, postpress.StatusOK))
		a, err := d.end(link)
		assertConnected(t, a, err)
	}, postpresstest.WithHold(0), postpresstest.WithConnectDelay(time.Hour))
}

// The status that a new account is left in by that is no failure of the next try.
func TestLinkOfANewAccountFallsBack(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			switch at := d.now(); {
			case r.Method != http.MethodGet || at >= 40*time.Second:
				return next.RoundTrip(r)
			case at < 25*time.Second:
				<-r.Context().Done() // held
				return nil, r.Context().Err()
			}
			resp := &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: http.NoBody}
			return jsonBody(resp, `{"object":"Account","type":"WHATSAPP","sources":[{"id":"s","status":"CONNECTING"}]}`), nil
		})
		link := d.start(postpress.LinkRequest{})
		v := d.view(link)
		d.until(39 * time.Second)
		require.Equal(t, postpress.LinkConnecting, v.last().step.State)
		require.NoError(t, d.srv.SetStatus(link.AccountID(), postpress.StatusCredentials))
		d.until(60 * time.Second)
		assert.Equal(t, postpress.LinkShow, v.last().step.State, v.states())
		require.NoError(t, d.srv.Scan(link.AccountID()))
		a, err := d.end(link)
		assertConnected(t, a, err)
	}, postpresstest.WithHold(3*time.Second))
}

func TestLinkOfAnAccountThatFails(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		d.until(10 * time.Second)
		require.NoError(t, d.srv.SetStatus(link.AccountID(), postpress.StatusError))
		le := d.failed(link, postpress.ErrConnectionFailed)
		assert.Equal(t, link.AccountID(), le.AccountID)
		assert.Empty(t, le.LeftOver)
		assert.Empty(t, d.accounts(), "it is cleaned up")
	})
}
