package postpress_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// crash takes the state of a link through JSON, and ends the process it is in.
// What that had under way is cut: nothing is cleaned up.
func (d *desk) crash(link *postpress.Link) postpress.LinkRecord {
	d.t.Helper()
	data, err := json.Marshal(link.State())
	require.NoError(d.t, err)
	d.srv.Inject(postpresstest.Fault{Method: "DELETE", Status: 403})
	require.NoError(d.t, link.Cancel(d.t.Context()))
	synctest.Wait()
	d.srv.ClearFaults()
	var rec postpress.LinkRecord
	require.NoError(d.t, json.Unmarshal(data, &rec))
	return rec
}

func TestLinkStateHoldsNoSecrets(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{
			PhoneNumber: linkPhone, ExpectPhoneNumber: "33699999999", Country: "FR",
			Proxy: &postpress.Proxy{Protocol: "http", Host: "proxyhost", Port: 1, Username: "someone", Password: "hunter2hunter2"},
		})
		v := d.view(link)
		synctest.Wait()
		data, err := json.Marshal(link.State())
		require.NoError(t, err)
		code := v.last().step.Checkpoint.PairingCode
		for _, secret := range []string{linkPhone, "33699999999", "proxyhost", "someone", "hunter2", string(code)} {
			assert.NotContains(t, string(data), secret)
		}
		rec := link.State()
		assert.Equal(t, postpress.LinkRecord{
			AccountID: link.AccountID(), Created: []string{link.AccountID()}, Pairing: true,
			Needs: []string{"PhoneNumber", "ExpectPhoneNumber", "Proxy"}, Country: "FR",
			Seq: 1, State: postpress.LinkShow, StartedAt: rec.StartedAt, Deadline: rec.StartedAt.Add(10 * time.Minute),
			ExpiresAt: rec.StartedAt.Add(160 * time.Second),
		}, rec)
		rec.Created[0] = "spoilt"
		assert.NotEqual(t, "spoilt", link.State().Created[0])
		require.NoError(t, link.Cancel(d.t.Context()))
	})
}

// A resumed attempt gets a new challenge and keeps its numbers, its deadline and its duties.
func TestResumeLink(t *testing.T) {
	atDesk(t, func(d *desk) {
		before := d.start(postpress.LinkRequest{})
		d.until(70 * time.Second) // one refresh
		rec := d.crash(before)
		require.Equal(t, 1, rec.Refreshes)

		link, err := d.client.ResumeLink(d.t.Context(), rec)
		require.NoError(t, err)
		v := d.view(link)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Len(t, v.all, 2)
		assert.Equal(t, postpress.LinkExpired, v.all[0].step.State)
		assert.Equal(t, postpress.LinkShow, v.last().step.State)
		assert.Equal(t, rec.Seq+2, v.last().step.Seq)
		now := link.State()
		assert.Equal(t, 2, now.Refreshes)
		assert.Equal(t, rec.Created, now.Created)
		assert.Equal(t, rec.Deadline, now.Deadline)
		assert.Equal(t, rec.StartedAt, now.StartedAt)

		d.failed(link, postpress.ErrIntentExpired)
		assert.Equal(t, 10*time.Minute, d.now().Truncate(time.Minute), "the first deadline")
		assert.Empty(t, d.accounts(), "the former process's account is cleaned up")
	}, postpresstest.WithReissue(postpresstest.ReissueAlways))
}

// Where the phone has answered meanwhile, that is the outcome, also when the time is up.
func TestResumeLinkOfAConnectedAccount(t *testing.T) {
	for _, later := range []time.Duration{0, time.Hour} {
		atDesk(t, func(d *desk) {
			before := d.start(postpress.LinkRequest{})
			d.until(10 * time.Second)
			rec := d.crash(before)
			require.NoError(t, d.srv.Scan(rec.AccountID))
			time.Sleep(later)
			link, err := d.client.ResumeLink(d.t.Context(), rec)
			require.NoError(t, err)
			a, err := d.end(link)
			assertConnected(t, a, err)
			assert.Equal(t, 1, d.posts())
		})
	}
}

func TestResumeLinkWhileConnecting(t *testing.T) {
	atDesk(t, func(d *desk) {
		there := d.srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})
		before := d.start(postpress.LinkRequest{AccountID: there.ID})
		d.until(10 * time.Second)
		rec := d.crash(before)
		require.NoError(t, d.srv.Scan(there.ID))
		link, err := d.client.ResumeLink(d.t.Context(), rec)
		require.NoError(t, err)
		v := d.view(link)
		a, err := d.end(link)
		assertConnected(t, a, err)
		assert.Equal(t, 1, d.posts(), "no new challenge")
		<-v.done
		assert.Equal(t, postpress.LinkConnecting, v.all[len(v.all)-2].step.State)
	}, postpresstest.WithHold(0), postpresstest.WithConnectDelay(2*time.Minute))
}

// The code that was shown is not kept. Where the API gives no new one while it
// works, it is asked again as soon as it does not.
func TestResumeLinkTooEarly(t *testing.T) {
	atDesk(t, func(d *desk) {
		before := d.start(postpress.LinkRequest{})
		d.until(10 * time.Second)
		rec := d.crash(before)
		link, err := d.client.ResumeLink(d.t.Context(), rec)
		require.NoError(t, err)
		v := d.view(link)
		d.until(61 * time.Second)
		assert.Equal(t, postpress.LinkShow, v.last().step.State, v.states())
		require.NoError(t, link.Cancel(d.t.Context()))
	})
}

// Whatever an attempt may have created is watched and cleaned up after a crash.
func TestResumeLinkWatchesAllAccounts(t *testing.T) {
	atDesk(t, func(d *desk) {
		before := d.start(postpress.LinkRequest{})
		d.anew()
		d.until(58 * time.Second)
		d.srv.Inject(postpresstest.Fault{Method: "DELETE", Status: 403})
		rec := d.crash(before)
		require.Len(t, rec.Created, 2)
		require.Len(t, d.accounts(), 2)
		link, err := d.client.ResumeLink(d.t.Context(), rec)
		require.NoError(t, err)
		require.NoError(t, d.srv.Scan(rec.Created[0]))
		a, err := d.end(link)
		assertConnected(t, a, err)
		assert.Less(t, d.now(), 2*time.Minute, "seen by a wait, not at the end")
		assert.Equal(t, []string{rec.Created[0]}, d.accounts())
	})
}

func TestResumeLinkWantsTheRequest(t *testing.T) {
	atDesk(t, func(d *desk) {
		req := postpress.LinkRequest{PhoneNumber: linkPhone, ExpectPhoneNumber: linkPhone}
		rec := d.crash(d.start(req))
		for _, opts := range [][]postpress.LinkOption{
			nil,
			{postpress.WithLinkRequest(postpress.LinkRequest{})},
			{postpress.WithLinkRequest(postpress.LinkRequest{PhoneNumber: linkPhone})},
			{postpress.WithLinkRequest(postpress.LinkRequest{ExpectPhoneNumber: linkPhone})},
			{postpress.WithLinkRequest(postpress.LinkRequest{PhoneNumber: linkPhone, ExpectPhoneNumber: linkPhone, AccountID: "acc_1"})},
		} {
			_, err := d.client.ResumeLink(d.t.Context(), rec, opts...)
			var bad *postpress.ArgumentError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, "WithLinkRequest", bad.Field)
			assert.NotContains(t, bad.Error(), linkPhone)
		}
		link, err := d.client.ResumeLink(d.t.Context(), rec, postpress.WithLinkRequest(req))
		require.NoError(t, err)
		d.until(170 * time.Second) // of the pairing code of before
		require.NoError(t, d.srv.SetStatus(link.AccountID(), postpress.StatusOK))
		a, err := d.end(link)
		assertConnected(t, a, err)
	})
}

func TestResumeLinkRefusesGarbage(t *testing.T) {
	d := newDesk(t)
	defer d.srv.Close()
	now := time.Now()
	for name, rec := range map[string]postpress.LinkRecord{
		"zero":      {},
		"id":        {AccountID: "../x"},
		"created":   {AccountID: "acc_1", Created: []string{"a b"}},
		"negative":  {AccountID: "acc_1", Seq: -1},
		"ended":     {AccountID: "acc_1", Ended: true},
		"deadline":  {AccountID: "acc_1", Deadline: now.Add(48 * time.Hour)},
		"reconnect": {AccountID: "acc_1", ReconnectID: "acc_1", Created: []string{"acc_1"}},
		"pairing":   {AccountID: "acc_1", Pairing: true},
		"needs":     {AccountID: "acc_1", Needs: []string{"SomethingOfALaterVersion"}},
	} {
		_, err := d.client.ResumeLink(context.Background(), rec)
		var bad *postpress.ArgumentError
		assert.ErrorAs(t, err, &bad, name)
	}
	assert.Empty(t, d.srv.Requests())
}

// A record of an older version lacks fields, one of a later version has more.
func TestResumeLinkOfAnotherVersion(t *testing.T) {
	atDesk(t, func(d *desk) {
		before := d.start(postpress.LinkRequest{})
		id := before.AccountID()
		d.crash(before)
		var rec postpress.LinkRecord
		require.NoError(t, json.Unmarshal([]byte(`{"account_id":"`+id+`","created":["`+id+`"],"later":{"x":1}}`), &rec))
		link, err := d.client.ResumeLink(d.t.Context(), rec)
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now().Add(10*time.Minute), link.State().Deadline, time.Second)
		d.until(65 * time.Second)
		require.NoError(t, d.srv.Scan(link.AccountID()))
		a, err := d.end(link)
		assertConnected(t, a, err)
	})
}

func TestResumeLinkWithKey(t *testing.T) {
	atDesk(t, func(d *desk) {
		rec := d.crash(d.start(postpress.LinkRequest{}))
		link, err := d.client.ResumeLink(d.t.Context(), rec, postpress.WithLinkKey("k"))
		require.NoError(t, err)
		again, err := d.client.ResumeLink(d.t.Context(), rec, postpress.WithLinkKey("k"))
		require.NoError(t, err)
		started := d.start(postpress.LinkRequest{}, postpress.WithLinkKey("k"))
		assert.Same(t, link, again)
		assert.Same(t, link, started)
		require.NoError(t, link.Cancel(d.t.Context()))
	})
}

func TestResumeLinkCanOnlyBeShortened(t *testing.T) {
	atDesk(t, func(d *desk) {
		rec := d.crash(d.start(postpress.LinkRequest{}))
		for _, timeout := range []time.Duration{time.Hour, time.Minute} {
			want := time.Now().Add(timeout)
			if want.After(rec.Deadline) {
				want = rec.Deadline
			}
			link, err := d.client.ResumeLink(d.t.Context(), rec, postpress.WithLinkTimeout(timeout), postpress.WithLinkRefresh(0, 0))
			require.NoError(t, err)
			assert.WithinDuration(t, want, link.State().Deadline, time.Second)
			d.crash(link)
		}
	})
}
