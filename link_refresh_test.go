package postpress_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// postTimes are when POST requests were sent, and what the answer was.
func (d *desk) postTimes() string {
	var all []string
	for _, r := range d.srv.Requests() {
		if r.Method == http.MethodPost {
			all = append(all, fmt.Sprintf("%v %d", r.Time.Sub(d.began).Round(time.Second), r.Status))
		}
	}
	return strings.Join(all, ", ")
}

// getTimes are when accounts were looked at, in seconds.
func (d *desk) getTimes() string {
	var all []string
	for _, r := range d.srv.Requests() {
		if r.Method == http.MethodGet {
			all = append(all, r.Time.Sub(d.began).Round(time.Second).String())
		}
	}
	return strings.Join(all, ", ")
}

// Five refreshes by themselves; then the code is over, Refresh is still served,
// and the outcome is that the time is up.
func TestLinkRefreshesFiveTimes(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		v := d.view(link)
		d.until(6 * time.Minute)
		assert.Equal(t, "0s show, 52s show, 1m44s show, 2m36s show, 3m28s show, 4m20s show, 5m20s expired", v.states())
		assert.Equal(t, 5, link.State().Refreshes)
		texts := map[postpress.Secret]bool{}
		for _, s := range v.all[:6] {
			texts[s.step.Checkpoint.QRCode] = true
		}
		assert.Len(t, texts, 6)

		require.NoError(t, link.Refresh(d.t.Context()))
		synctest.Wait()
		assert.Equal(t, postpress.LinkShow, v.last().step.State)
		assert.Equal(t, 1, link.State().Asked)
		le := d.failed(link, postpress.ErrIntentExpired)
		assert.Empty(t, le.LeftOver)
		assert.Equal(t, 10*time.Minute, d.now().Round(time.Minute))
		<-v.done
		assert.Error(t, v.last().err)
		assert.Empty(t, d.accounts())
	}, postpresstest.WithReissue(postpresstest.ReissueAlways))
}

// Where the API has no new code yet, the old one stays until it is over, and the
// request is repeated then.
func TestLinkRefreshComesTooEarly(t *testing.T) {
	atDesk(t, func(d *desk) {
		v := d.view(d.start(postpress.LinkRequest{}))
		d.until(65 * time.Second)
		assert.Equal(t, "0s show, 1m0s show", v.states())
		assert.Equal(t, "0s 202, 52s 425, 1m0s 202", d.postTimes())
		assert.Equal(t, "0s, 25s, 50s, 50s, 58s", d.getTimes(), "a last look right before each request")
		require.NoError(t, d.srv.ScanQR(string(v.last().step.Checkpoint.QRCode)))
		<-v.done
	})
}

// Where it has none as long as the intent lasts, it is asked ever more slowly; and
// then there is a new account.
func TestLinkRefreshIsNeverServed(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		first := link.AccountID()
		v := d.view(link)
		d.until(310 * time.Second)
		assert.Regexp(t, "^0s show, 1m0s expired, 5m[0-4]s show$", v.states())
		assert.Regexp(t, "^0s 202, 52s 425, 1m0s 425, 1m7s 425, 1m19s 425, 1m41s 425, 2m23s 425, 3m25s 425, 4m27s 425, 5m[0-4]s 202$", d.postTimes())
		assert.NotEqual(t, first, link.AccountID())
		assert.Equal(t, []string{first, link.AccountID()}, link.State().Created)
		require.NoError(t, link.Cancel(d.t.Context()))
		assert.Empty(t, d.accounts())
	}, postpresstest.WithReissue(postpresstest.ReissueNever))
}

// The last look before a refresh finds what the wait has not seen.
func TestLinkLooksBeforeItRefreshes(t *testing.T) {
	for name, opts := range map[string][]postpresstest.Option{
		"connected": nil, "connecting": {postpresstest.WithHold(0), postpresstest.WithConnectDelay(2 * time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				there := d.srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})
				d.through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
					if r.Method == http.MethodGet && d.now() < 51*time.Second {
						<-r.Context().Done() // that of the wait is lost on the way
						return nil, r.Context().Err()
					}
					return next.RoundTrip(r)
				})
				link := d.start(postpress.LinkRequest{AccountID: there.ID}, postpress.WithLinkRefresh(51*time.Second, 5))
				d.until(49 * time.Second)
				require.NoError(t, d.srv.Scan(link.AccountID()))
				d.until(52 * time.Second)
				v := d.view(link)
				synctest.Wait()
				assert.Equal(t, postpress.LinkState(name), v.last().step.State)
				a, err := d.end(link)
				assertConnected(t, a, err)
				assert.Equal(t, 1, d.posts())
			}, opts...)
		})
	}
}

// A wait may see the phone answer while a refresh is about to be sent.
func TestLinkHoldsARefresh(t *testing.T) {
	atDesk(t, func(d *desk) {
		there := d.srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})
		d.through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			at := d.now()
			if r.Method != http.MethodGet || at >= 70*time.Second {
				return next.RoundTrip(r)
			}
			status := "CONNECTING"
			switch {
			case at < 50*time.Second:
				<-r.Context().Done() // held
				return nil, r.Context().Err()
			case at == 50*time.Second && !d.once:
				d.once = true // the look of the wait, or the last one before the first refresh
				time.Sleep(59*time.Second - at)
			case at < 59*time.Second:
				status = "CREDENTIALS"
			}
			resp := &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: http.NoBody}
			return jsonBody(resp, `{"object":"Account","type":"WHATSAPP","sources":[{"id":"s","status":"`+status+`"}]}`), nil
		})
		link := d.start(postpress.LinkRequest{AccountID: there.ID}, postpress.WithLinkRefresh(51*time.Second, 5))
		d.until(69 * time.Second)
		assert.Equal(t, "0s 202, 51s 425", d.postTimes(), "the one at 60 s is not sent")
		require.NoError(t, link.Cancel(d.t.Context()))
	})
}

func TestLinkWithoutRefresh(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{}, postpress.WithLinkRefresh(0, 0), postpress.WithLinkTimeout(7*time.Minute))
		v := d.view(link)
		d.failed(link, postpress.ErrIntentExpired)
		assert.Equal(t, 1, d.posts())
		<-v.done
		assert.Equal(t, "0s show, 1m0s expired, 7m0s error", v.states())
	})
}

// An answer that repeats the code shown is none.
func TestLinkIsGivenTheSameCode(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		v := d.view(link)
		synctest.Wait()
		text := string(v.last().step.Checkpoint.QRCode)
		d.srv.Inject(postpresstest.Fault{Method: "POST", Path: "/accounts/{id}", Status: 202,
			Body: fmt.Sprintf(`{"object":"Checkpoint","account_id":%q,"checkpoint":{"type":"QRCODE","qrcode":%q}}`, link.AccountID(), text)})
		d.until(65 * time.Second)
		assert.Equal(t, "0s show, 1m0s show", v.states())
		require.NoError(t, link.Cancel(d.t.Context()))
	})
}
