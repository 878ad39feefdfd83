package postpresstest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func TestIntentEndsWhileHeld(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t)
		began := time.Now()
		id, _ := a.connect(whatsApp)
		one, two := a.start("GET", "/accounts/"+id, ""), a.start("GET", "/accounts/"+id, "")
		for _, held := range []<-chan reply{one, two} {
			r := <-held
			assert.Equal(t, http.StatusRequestTimeout, r.status)
			assert.Equal(t, "request_timeout", r.kind(t))
		}
		assert.Equal(t, 5*time.Minute, time.Since(began), "to the nanosecond")
		for range 3 {
			r := a.do("GET", "/accounts/"+id, "")
			assert.Equal(t, http.StatusBadRequest, r.status)
			assert.Equal(t, "invalid_request", r.kind(t))
		}
		assert.Equal(t, http.StatusBadRequest, a.do("POST", "/accounts/"+id, whatsApp).status)
		assert.Equal(t, http.StatusNotFound, a.do("PATCH", "/accounts/"+id, `{"label":"x"}`).status)
		assert.Equal(t, http.StatusNotFound, a.do("DELETE", "/accounts/"+id, "").status)
		require.ErrorIs(t, a.srv.Scan(id), postpresstest.ErrNoIntent)
	})
}

func TestIntentEndsUnseen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t, postpresstest.WithIntentDuration(time.Minute), postpresstest.WithIntentDuration(0))
		id, _ := a.connect(whatsApp)
		time.Sleep(time.Minute)
		assert.Equal(t, http.StatusRequestTimeout, a.do("GET", "/accounts/"+id, "").status)
		assert.Equal(t, http.StatusBadRequest, a.do("GET", "/accounts/"+id, "").status)
		assert.Empty(t, a.srv.Accounts())
	})
}

func TestReconnectThatEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t)
		seeded := a.srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})
		path := "/accounts/" + seeded.ID
		id, _ := checkpointOf(t, a.do("POST", path, whatsApp))
		assert.Equal(t, seeded.ID, id)
		one, two := a.start("GET", path, ""), a.start("GET", path, "")
		assert.Equal(t, http.StatusRequestTimeout, (<-one).status)
		assert.Equal(t, http.StatusRequestTimeout, (<-two).status)
		assert.Equal(t, http.StatusBadRequest, a.do("GET", path, "").status)
		assert.Equal(t, http.StatusBadRequest, a.do("GET", path, "").status, "one for each 408")
		assert.Equal(t, "CREDENTIALS", a.do("GET", path, "").source(t))

		checkpointOf(t, a.do("POST", path, whatsApp))
		require.NoError(t, a.srv.Expire(seeded.ID))
		checkpointOf(t, a.do("POST", path, pairing)) // no need to hear of the end first
		code, err := a.srv.PairingCode(seeded.ID)
		require.NoError(t, err)
		require.NoError(t, a.srv.EnterPairingCode(seeded.ID, code))
		assert.Equal(t, "OK", a.do("GET", path, "").source(t))
	})
}

func TestSecondStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t)
		id, first := a.connect(whatsApp)
		path := "/accounts/" + id
		assertTooEarly := func(body string) {
			t.Helper()
			r := a.do("POST", path, body)
			assert.Equal(t, http.StatusTooEarly, r.status)
			assert.Equal(t, "too_early", r.kind(t))
		}
		time.Sleep(59 * time.Second)
		assertTooEarly(whatsApp)
		time.Sleep(time.Second)
		_, second := checkpointOf(t, a.do("POST", path, whatsApp))
		assert.NotEqual(t, first["qrcode"], second["qrcode"])
		time.Sleep(19 * time.Second)
		assertTooEarly(whatsApp)
		require.ErrorIs(t, a.srv.ScanQR(first["qrcode"].(string)), postpresstest.ErrWrongCode)
		current, err := a.srv.QRCode(id)
		require.NoError(t, err)
		assert.Equal(t, second["qrcode"], current)

		time.Sleep(71 * time.Second) // 150 s: in the middle of a later code
		_, third := checkpointOf(t, a.do("POST", path, whatsApp))
		time.Sleep(10 * time.Second) // 160 s: it ends on the beat
		require.ErrorIs(t, a.srv.ScanQR(third["qrcode"].(string)), postpresstest.ErrWrongCode)
		_, paired := checkpointOf(t, a.do("POST", path, pairing))
		assert.Contains(t, paired, "code", "the way may change with a fresh code")
		assertTooEarly(pairing)
		time.Sleep(140 * time.Second) // 300 s: the intent is the first one still
		assert.Equal(t, http.StatusRequestTimeout, a.do("GET", path, "").status)
	})
}

func TestPairingCodeRunsOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t)
		id, first := a.connect(pairing)
		time.Sleep(160 * time.Second)
		require.ErrorIs(t, a.srv.EnterPairingCode(id, first["code"].(string)), postpresstest.ErrWrongCode)
		_, err := a.srv.PairingCode(id)
		require.ErrorIs(t, err, postpresstest.ErrWrongCode)
		_, second := checkpointOf(t, a.do("POST", "/accounts/"+id, pairing))
		require.NoError(t, a.srv.EnterPairingCode(id, second["code"].(string)))
	})
}

func TestReissueModes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t, postpresstest.WithReissue(postpresstest.ReissueNever))
		id, _ := a.connect(whatsApp)
		time.Sleep(2 * time.Minute)
		assert.Equal(t, http.StatusTooEarly, a.do("POST", "/accounts/"+id, whatsApp).status)

		a = newAPI(t, postpresstest.WithReissue(postpresstest.ReissueAlways))
		seeded := a.srv.AddAccount(postpresstest.Account{Status: postpress.StatusStopped})
		path := "/accounts/" + seeded.ID
		_, first := checkpointOf(t, a.do("POST", path, whatsApp))
		held := a.start("GET", path, "")
		time.Sleep(4 * time.Minute)
		_, second := checkpointOf(t, a.do("POST", path, whatsApp))
		assert.NotEqual(t, first["qrcode"], second["qrcode"])
		began := time.Now()
		assert.Equal(t, http.StatusRequestTimeout, (<-held).status)
		assert.Equal(t, 5*time.Minute, time.Since(began), "a new intent")
		assert.Equal(t, http.StatusBadRequest, a.do("GET", path, "").status)
		assert.Equal(t, "STOPPED", a.do("GET", path, "").source(t), "as before the first of them")
	})
}

func TestQRRotation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t, postpresstest.WithQRRotation(time.Second, 3*time.Second), postpresstest.WithQRRotation(0, 0))
		id, _ := a.connect(whatsApp)
		seen := map[string]bool{}
		for range 10 { // at 0, 1, 2 … 9 s: codes that begin at 0, 1, 4 and 7 s
			text, err := a.srv.QRCode(id)
			require.NoError(t, err)
			seen[text] = true
			time.Sleep(time.Second)
		}
		assert.Len(t, seen, 4)
		checkpointOf(t, a.do("POST", "/accounts/"+id, whatsApp))
	})
}

func TestConnectDelay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t, postpresstest.WithConnectDelay(3*time.Second))
		id, _ := a.connect(whatsApp)
		held := a.start("GET", "/accounts/"+id, "")
		time.Sleep(299 * time.Second)
		require.NoError(t, a.srv.Scan(id))
		account, _ := a.srv.Account(id)
		assert.Equal(t, postpress.StatusConnecting, account.Status)
		require.ErrorIs(t, a.srv.Scan(id), postpresstest.ErrNoIntent)
		require.ErrorIs(t, a.srv.Expire(id), postpresstest.ErrNoIntent)
		assert.Equal(t, http.StatusTooEarly, a.do("POST", "/accounts/"+id, whatsApp).status)
		began := time.Now()
		assert.Equal(t, "OK", (<-held).source(t), "once scanned the five minutes no longer count")
		assert.Equal(t, 3*time.Second, time.Since(began))
	})
}

func TestHold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t, postpresstest.WithHold(25*time.Second))
		id, _ := a.connect(whatsApp)
		began := time.Now()
		assert.Equal(t, "CONNECTING", a.do("GET", "/accounts/"+id, "").source(t))
		assert.Equal(t, 25*time.Second, time.Since(began))

		a = newAPI(t, postpresstest.WithHold(0))
		began = time.Now()
		id, _ = a.connect(whatsApp)
		assert.Equal(t, "CONNECTING", a.do("GET", "/accounts/"+id, "").source(t))
		seeded := a.srv.AddAccount(postpresstest.Account{Status: postpress.StatusError})
		checkpointOf(t, a.do("POST", "/accounts/"+seeded.ID, whatsApp))
		assert.Equal(t, "ERROR", a.do("GET", "/accounts/"+seeded.ID, "").source(t), "not a failure yet")
		assert.Zero(t, time.Since(began))
	})
}

func TestAutoScan(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t, postpresstest.WithAutoScan(90*time.Second))
		began := time.Now()
		id, _ := a.connect(whatsApp)
		paired, _ := a.connect(pairing)
		assert.Equal(t, "OK", a.do("GET", "/accounts/"+id, "").source(t))
		assert.Equal(t, "OK", a.do("GET", "/accounts/"+paired, "").source(t))
		assert.Equal(t, 90*time.Second, time.Since(began))

		a = newAPI(t, postpresstest.WithAutoScan(200*time.Second))
		paired, _ = a.connect(pairing)
		assert.Equal(t, http.StatusRequestTimeout, a.do("GET", "/accounts/"+paired, "").status,
			"by then the code is no longer valid")
	})
}

func TestSetStatusWhilePending(t *testing.T) {
	for status, want := range map[postpress.Status]string{
		"OK": "OK", "CREATION_SUCCESS": "OK", "SYNC_SUCCESS": "OK", "RECONNECTED": "OK",
		"ERROR": "ERROR", "CREDENTIALS": "CREDENTIALS", "STOPPED": "STOPPED", "PERMISSIONS": "PERMISSIONS",
	} {
		bubble(t, func(t *testing.T) {
			a := newAPI(t)
			id, _ := a.connect(whatsApp)
			held := a.start("GET", "/accounts/"+id, "")
			synctest.Wait()
			require.NoError(t, a.srv.SetStatus(id, postpress.StatusConnecting))
			synctest.Wait()
			assert.Empty(t, held, "CONNECTING is not an end")
			require.NoError(t, a.srv.SetStatus(id, status))
			assert.Equal(t, want, (<-held).source(t))
			assert.Len(t, a.srv.Accounts(), 1)
		})
	}
}

func TestSetStatusThatEndsAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t)
		id, _ := a.connect(whatsApp)
		held := a.start("GET", "/accounts/"+id, "")
		synctest.Wait()
		require.NoError(t, a.srv.SetStatus(id, postpress.StatusCreationFail))
		r := <-held
		assert.Equal(t, http.StatusInternalServerError, r.status)
		assert.Equal(t, "authentication_intent_error", r.kind(t))
		assert.Equal(t, http.StatusBadRequest, a.do("GET", "/accounts/"+id, "").status)

		id, _ = a.connect(whatsApp)
		held = a.start("GET", "/accounts/"+id, "")
		synctest.Wait()
		require.NoError(t, a.srv.SetStatus(id, postpress.StatusDeleted))
		assert.Equal(t, http.StatusNotFound, (<-held).status)

		seeded := a.srv.AddAccount(postpresstest.Account{})
		require.NoError(t, a.srv.SetStatus(seeded.ID, "BRAND_NEW"))
		account, _ := a.srv.Account(seeded.ID)
		assert.Equal(t, postpress.Status("BRAND_NEW"), account.Status, "a program must bear unknown ones")
		require.NoError(t, a.srv.SetStatus(seeded.ID, postpress.StatusOK))
	})
}

func TestDeletePending(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t)
		id, _ := a.connect(whatsApp)
		held := a.start("GET", "/accounts/"+id, "")
		synctest.Wait()
		assertShape(t, object("AccountDeleted"), a.do("DELETE", "/accounts/"+id, ""))
		assert.Equal(t, http.StatusNotFound, (<-held).status)
		assert.Equal(t, http.StatusNotFound, a.do("GET", "/accounts/"+id, "").status)
		require.ErrorIs(t, a.srv.Scan(id), postpresstest.ErrUnknownAccount)
	})
}
