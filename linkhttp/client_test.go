package linkhttp

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// onDouble is a handler whose client talks to the double.
func onDouble(t *testing.T, double *postpresstest.Server, change func(*Config)) (*Handler, string) {
	t.Helper()
	client := double.Client()
	t.Cleanup(client.Close)
	h, _ := newTestHandler(t, func(c *Config) {
		c.Client = client
		if change != nil {
			change(c)
		}
	})
	h.engine = clientEngine{client, h.cfg.Options}
	return h, serve(t, h)
}

func newDouble(t *testing.T, opts ...postpresstest.Option) *postpresstest.Server {
	t.Helper()
	double := postpresstest.NewServer(opts...)
	t.Cleanup(double.Close)
	return double
}

func posts(double *postpresstest.Server) (n int) {
	for _, r := range double.Requests() {
		if r.Method == http.MethodPost {
			n++
		}
	}
	return n
}

// pending is the account that is waiting for a phone.
func pending(t *testing.T, double *postpresstest.Server) string {
	t.Helper()
	for _, a := range double.Accounts() {
		if a.Pending {
			return a.ID
		}
	}
	require.Fail(t, "no account is pending")
	return ""
}

func TestScanOnTheDouble(t *testing.T) {
	t.Parallel()
	double := newDouble(t)
	h, url := onDouble(t, double, nil)
	v := watch(t, url, "ada", start(t, h, "ada", `{}`), "")
	v.must(postpress.LinkShow)
	id := pending(t, double)
	require.NoError(t, double.ScanAs(id, "33612345678"))
	s := v.skipTo(postpress.LinkConnected)
	assert.Equal(t, id, s.Account.ID)
	assert.EqualValues(t, "33612345678", s.Account.PhoneNumber)
	v.ended()
	assert.Equal(t, 1, posts(double))
}

func TestPairingOnTheDouble(t *testing.T) {
	t.Parallel()
	double := newDouble(t)
	h, url := onDouble(t, double, nil)
	v := watch(t, url, "ada", start(t, h, "ada", `{"phone_number":"+33 6 12 34 56 78"}`), "")
	code := v.must(postpress.LinkShow).PairingCode
	assert.Regexp(t, `^[1-9A-Z]{4}-[1-9A-Z]{4}$`, string(code))
	require.NoError(t, double.EnterPairingCode(pending(t, double), string(code)))
	v.skipTo(postpress.LinkConnected)
}

func TestRefreshAndCancelOnTheDouble(t *testing.T) {
	t.Parallel()
	double := newDouble(t, postpresstest.WithReissue(postpresstest.ReissueAlways))
	h, url := onDouble(t, double, nil)
	id := start(t, h, "ada", `{}`)
	v := watch(t, url, "ada", id, "")
	first := v.must(postpress.LinkShow)
	require.Equal(t, http.StatusNoContent, call(t, h, "POST", "/links/"+id+"/refresh", "ada", "").code)
	assert.NotEqual(t, first.QRSVG, v.skipTo(postpress.LinkShow).QRSVG)
	require.Equal(t, http.StatusNoContent, call(t, h, "DELETE", "/links/"+id, "ada", "").code)
	assert.Equal(t, "canceled", v.skipTo(stateFailed).Code)
	for _, a := range double.Accounts() {
		assert.False(t, a.Pending, "the account is gone")
	}
}

func TestReconnectOnTheDouble(t *testing.T) {
	t.Parallel()
	double := newDouble(t)
	account := double.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials, PhoneNumber: "33612345678"})
	h, url := onDouble(t, double, func(c *Config) {
		c.Request = func(_ *http.Request, _ string, in Start) (postpress.LinkRequest, error) {
			return postpress.LinkRequest{AccountID: in.AccountID, ExpectPhoneNumber: "33612345678"}, nil
		}
	})
	v := watch(t, url, "ada", start(t, h, "ada", `{"account_id":"`+account.ID+`"}`), "")
	v.must(postpress.LinkShow)
	require.NoError(t, double.ScanAs(account.ID, "33699999999"))
	assert.Equal(t, "wrong_account", v.skipTo(stateFailed).Code)

	a := call(t, h, "POST", "/links", "ada", `{"account_id":"`+account.ID+`"}`)
	assert.Equal(t, http.StatusConflict, a.code)
	assert.Equal(t, "already_connected", a.body["code"])
}

// The bar of the issue: a replica that is killed during a link loses no attempt, and
// there is one account.
func TestReplicaDiesOnTheDouble(t *testing.T) {
	t.Parallel()
	double := newDouble(t, postpresstest.WithReissue(postpresstest.ReissueAlways))
	store := NewMemoryStore()
	share := func(c *Config) {
		c.Store, c.Secret, c.LeaseTime = store, []byte("0123456789abcdef0123456789abcdef"), testLease
	}
	one, _ := onDouble(t, double, share)
	two, url := onDouble(t, double, share)
	id := start(t, one, "ada", `{"phone_number":"+33612345678"}`)
	account := pending(t, double)
	v := watch(t, url, "ada", id, "")
	v.must(postpress.LinkShow)
	one.end()
	v.must(postpress.LinkExpired) // taken over
	code := v.must(postpress.LinkShow).PairingCode
	require.NoError(t, double.EnterPairingCode(account, string(code)))
	assert.Equal(t, account, v.skipTo(postpress.LinkConnected).Account.ID)
	assert.Len(t, double.Accounts(), 1)
	assert.Equal(t, http.StatusOK, call(t, two, "GET", "/links/"+id+"/events", "ada", "").code)
}

func TestOptionsReachTheAttempt(t *testing.T) {
	t.Parallel()
	double := newDouble(t, postpresstest.WithReissue(postpresstest.ReissueAlways))
	h, url := onDouble(t, double, func(c *Config) {
		c.Options = []postpress.LinkOption{postpress.WithLinkRefresh(time.Second, 1)}
	})
	v := watch(t, url, "ada", start(t, h, "ada", `{}`), "")
	first := v.must(postpress.LinkShow)
	assert.NotEqual(t, first.QRSVG, v.skipTo(postpress.LinkShow).QRSVG)
}

// A rolling deployment: the attempt moves on, nothing is cleaned up, nothing created.
func TestShutdownHandsOverOnTheDouble(t *testing.T) {
	t.Parallel()
	double := newDouble(t, postpresstest.WithReissue(postpresstest.ReissueAlways))
	store := NewMemoryStore()
	share := func(c *Config) { c.Store, c.Secret = store, []byte("0123456789abcdef0123456789abcdef") }
	one, _ := onDouble(t, double, share)
	_, url := onDouble(t, double, share)
	id := start(t, one, "ada", `{}`)
	account := pending(t, double)
	require.NoError(t, one.Shutdown(t.Context()))
	v := watch(t, url, "ada", id, "")
	v.skipTo(postpress.LinkExpired)
	v.skipTo(postpress.LinkShow)
	require.NoError(t, double.Scan(account))
	assert.Equal(t, account, v.skipTo(postpress.LinkConnected).Account.ID)
	assert.Len(t, double.Accounts(), 1)
	for _, r := range double.Requests() {
		assert.NotEqual(t, http.MethodDelete, r.Method)
	}
}
