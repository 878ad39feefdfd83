package postpress_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
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

// When the intent is over, a new account is created, at once.
func TestLinkCreatesAnew(t *testing.T) {
	for name, end := range map[string]func(*desk, string) error{
		"expired": func(d *desk, id string) error { return d.srv.Expire(id) },
		"killed":  func(d *desk, id string) error { return d.srv.SetStatus(id, postpress.StatusCreationFail) },
		"deleted": func(d *desk, id string) error { return d.srv.SetStatus(id, postpress.StatusDeleted) },
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				link := d.start(postpress.LinkRequest{})
				first := link.AccountID()
				v := d.view(link)
				d.until(20 * time.Second)
				require.NoError(t, end(d, first))
				d.until(45 * time.Second)
				assert.NotEqual(t, first, link.AccountID())
				assert.Equal(t, 2, d.sent("POST", "/accounts"))
				assert.Equal(t, postpress.LinkShow, v.last().step.State)
				assert.Equal(t, link.AccountID(), v.last().step.Checkpoint.AccountID)
				require.NoError(t, d.srv.Scan(link.AccountID()))
				a, err := d.end(link)
				assertConnected(t, a, err)
				assert.Equal(t, []string{a.ID}, d.accounts())
				assert.Empty(t, link.State().LeftOver)
			})
		})
	}
}

// anew makes the next refresh create a new account although the old one can
// still be scanned.
func (d *desk) anew() {
	d.srv.Inject(postpresstest.Fault{Method: "POST", Path: "/accounts/{id}", Status: 400})
}

// The account that a new one has replaced may still be scanned: the first to
// connect wins, and the other one is cleaned up.
func TestLinkWatchesTheFormerAccount(t *testing.T) {
	for name, which := range map[string]int{"former": 0, "new": 1} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				link := d.start(postpress.LinkRequest{})
				d.anew()
				d.until(58 * time.Second)
				both := link.State().Created
				require.Len(t, both, 2)
				assert.ElementsMatch(t, both, d.accounts())
				require.NoError(t, d.srv.Scan(both[which]))
				a, err := d.end(link)
				assertConnected(t, a, err)
				assert.Equal(t, both[which], a.ID)
				assert.Equal(t, both[which], link.AccountID())
				assert.Equal(t, []string{a.ID}, d.accounts(), "the other one was verified and deleted")
				assert.Empty(t, link.State().LeftOver)
			})
		})
	}
}

// Two phones may scan two codes. A linked account is never deleted, but named.
func TestLinkOfBothAccounts(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		d.anew()
		d.until(58 * time.Second)
		both := link.State().Created
		require.NoError(t, d.srv.Scan(both[0]))
		require.NoError(t, d.srv.Scan(both[1]))
		a, err := d.end(link)
		assertConnected(t, a, err)
		assert.Zero(t, d.sent("DELETE", "/accounts/"))
		require.Len(t, link.State().LeftOver, 1)
		assert.ElementsMatch(t, both, append(link.State().LeftOver, a.ID))
	})
}

// A reconnect goes on with its account when the intent is over.
func TestLinkReconnectBeginsAnew(t *testing.T) {
	atDesk(t, func(d *desk) {
		there := d.srv.AddAccount(postpresstest.Account{Status: postpress.StatusStopped})
		link := d.start(postpress.LinkRequest{AccountID: there.ID})
		v := d.view(link)
		d.until(20 * time.Second)
		require.NoError(t, d.srv.Expire(there.ID))
		d.until(40 * time.Second)
		assert.Equal(t, postpress.LinkShow, v.last().step.State)
		assert.Equal(t, 2, d.sent("POST", "/accounts/"))
		assert.Zero(t, d.sent("POST", "/accounts"))
		require.NoError(t, link.Cancel(d.t.Context()))
		assert.Zero(t, d.sent("DELETE", "/accounts/"))
		assert.Equal(t, []string{there.ID}, d.accounts())
	})
}

func TestLinkReconnectOfAnAccountThatIsDeleted(t *testing.T) {
	atDesk(t, func(d *desk) {
		there := d.srv.AddAccount(postpresstest.Account{Status: postpress.StatusStopped})
		link := d.start(postpress.LinkRequest{AccountID: there.ID})
		d.until(5 * time.Second)
		require.NoError(t, d.srv.SetStatus(there.ID, postpress.StatusDeleted))
		d.failed(link, postpress.ErrNotFound)
		assert.Zero(t, d.sent("POST", "/accounts"), "no new account stands in")
	})
}

// The last look before a refresh finds what the wait has not seen.
func TestLinkLooksBeforeItRefreshes(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method == http.MethodGet && d.now() < 50*time.Second {
				<-r.Context().Done() // lost on the way
				return nil, r.Context().Err()
			}
			return next.RoundTrip(r)
		})
		link := d.start(postpress.LinkRequest{}, postpress.WithLinkRefresh(51*time.Second, 5))
		d.until(49 * time.Second)
		require.NoError(t, d.srv.Scan(link.AccountID()))
		d.srv.Inject(postpresstest.Fault{Method: "GET", Latency: time.Second}) // that of the wait is slower
		a, err := d.end(link)
		assertConnected(t, a, err)
		assert.Equal(t, 1, d.posts())
	})
}

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

func TestLinkRefreshOnDemand(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		v := d.view(link)
		d.until(5 * time.Second)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { assert.NoError(t, link.Refresh(context.Background())) })
		}
		all.Wait()
		synctest.Wait()
		assert.Equal(t, 2, d.posts(), "several at once are one")
		assert.Equal(t, "0s show, 7s show", v.states())

		ctx, cancel := context.WithTimeout(d.t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, link.Refresh(ctx), context.DeadlineExceeded)
		d.until(15 * time.Second)
		assert.Equal(t, 3, d.posts(), "it is made all the same")
		assert.Equal(t, 2, link.State().Asked)
		assert.Zero(t, link.State().Refreshes)

		require.NoError(t, d.srv.Scan(link.AccountID()))
		assert.ErrorIs(t, link.Refresh(d.t.Context()), postpress.ErrAlreadyConnected)
	}, postpresstest.WithReissue(postpresstest.ReissueAlways))
}

func TestLinkRefreshOnDemandIsBounded(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		for range 20 {
			require.NoError(t, link.Refresh(d.t.Context()))
		}
		assert.ErrorIs(t, link.Refresh(d.t.Context()), postpress.ErrRateLimited)
		assert.Equal(t, 21, d.posts())
		require.NoError(t, link.Cancel(d.t.Context()))
		assert.ErrorIs(t, link.Refresh(d.t.Context()), postpress.ErrLinkCanceled)
	}, postpresstest.WithReissue(postpresstest.ReissueAlways))
}

func TestLinkRefreshOnDemandTooEarly(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		assert.ErrorIs(t, link.Refresh(d.t.Context()), postpress.ErrAuthInProgress)
		v := d.view(link)
		d.until(30 * time.Second)
		assert.Equal(t, "2s show", v.states(), "what is shown stays")
		require.NoError(t, link.Cancel(d.t.Context()))
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
