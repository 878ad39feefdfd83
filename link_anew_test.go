package postpress_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

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

// What becomes of a former account is no concern of the current one.
func TestLinkFormerAccountEnds(t *testing.T) {
	for name, end := range map[string]func(*desk, string) error{
		"expired": func(d *desk, id string) error { return d.srv.Expire(id) },
		"failed":  func(d *desk, id string) error { return d.srv.SetStatus(id, postpress.StatusError) },
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				link := d.start(postpress.LinkRequest{})
				d.anew()
				d.until(58 * time.Second)
				require.NoError(t, end(d, link.State().Created[0]))
				v := d.view(link)
				d.until(70 * time.Second)
				assert.Equal(t, "58s show", v.states())
				assert.Len(t, link.State().Created, 2)
				require.NoError(t, d.srv.Scan(link.AccountID()))
				a, err := d.end(link)
				assertConnected(t, a, err)
				assert.Equal(t, []string{a.ID}, d.accounts())
			})
		})
	}
}
