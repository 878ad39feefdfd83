package postpresstest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func TestQRCodeFromStartToConnected(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(...postpresstest.Option) *api) {
		a := start()
		r := a.do("POST", "/accounts", whatsApp)
		assertShape(t, checkpointShape(shape{"type": exactly("QRCODE"), "qrcode": qrText}.rule()), r)
		id, checkpoint := checkpointOf(t, r)
		assert.Len(t, checkpoint["qrcode"], 277)

		held := a.start("GET", "/accounts/"+id, "")
		require.NoError(t, a.srv.ScanAs(id, "4915112345678"))
		got := waitFor(t, held)
		assert.Equal(t, "OK", got.source(t))
		account, ok := a.srv.Account(id)
		require.True(t, ok)
		assert.Equal(t, "4915112345678", account.PhoneNumber)
		assert.Equal(t, "4915112345678", account.Name)
		assert.Equal(t, postpress.StatusOK, account.Status)
		assert.False(t, account.Pending)
		assert.Equal(t, account.CreatedAt.Format("2006-01-02T15:04:05.000Z"), got.object(t)["created_at"])

		require.ErrorIs(t, a.srv.Scan(id), postpresstest.ErrNoIntent)
		again := a.do("POST", "/accounts/"+id, whatsApp)
		assert.Equal(t, http.StatusCreated, again.status)
		assertShape(t, object("AccountReconnected").with("account_id", accountID), again)
	})
}

func TestPairingCode(t *testing.T) {
	a := newAPI(t)
	r := a.do("POST", "/accounts", pairing)
	assertShape(t, checkpointShape(shape{"type": exactly("PAIRING_CODE"), "code": pairingText}.rule()), r)
	id, checkpoint := checkpointOf(t, r)
	code := checkpoint["code"].(string)
	shown, err := a.srv.PairingCode(id)
	require.NoError(t, err)
	assert.Equal(t, code, shown)

	require.ErrorIs(t, a.srv.Scan(id), postpresstest.ErrWrongMethod)
	for _, wrong := range []string{"", "----", "AAAA-AAAA", code + "1", code[:7]} {
		require.ErrorIs(t, a.srv.EnterPairingCode(id, wrong), postpresstest.ErrWrongCode, wrong)
	}
	require.NoError(t, a.srv.EnterPairingCode(id, lower(code)))
	got := a.do("GET", "/accounts/"+id, "")
	assert.Equal(t, "OK", got.source(t))
	account, _ := a.srv.Account(id)
	assert.Equal(t, "33612345678", account.PhoneNumber, "the number the code was asked for")

	id, _ = a.connect(whatsApp)
	require.ErrorIs(t, a.srv.EnterPairingCode(id, code), postpresstest.ErrWrongMethod)
}

// lower types a code as a careless user does.
func lower(code string) string {
	b := []byte(code[:4] + code[5:])
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func TestPairingForms(t *testing.T) {
	for form, want := range map[postpresstest.PairingForm]rule{
		postpresstest.PairingCode:     shape{"type": exactly("PAIRING_CODE"), "code": pairingText}.rule(),
		postpresstest.PairingSnake:    shape{"type": exactly("PAIRING_CODE"), "pairing_code": pairingText}.rule(),
		postpresstest.PairingCamel:    shape{"type": exactly("PAIRING_CODE"), "pairingCode": pairingText}.rule(),
		postpresstest.PairingAsQRCode: shape{"type": exactly("PAIRING_CODE"), "qrcode": pairingText}.rule(),
		postpresstest.PairingBare:     pairingText,
	} {
		a := newAPI(t, postpresstest.WithPairingForm(form))
		assertShape(t, checkpointShape(want), a.do("POST", "/accounts", pairing))
		cp, err := a.srv.Client().StartWhatsAppPairing(t.Context(), "33612345678")
		require.NoError(t, err)
		shown, err := a.srv.PairingCode(cp.AccountID)
		require.NoError(t, err)
		assert.Equal(t, shown, string(cp.PairingCode))
	}
}

func TestLegacyQRCode(t *testing.T) {
	a := newAPI(t, postpresstest.WithLegacyQRCode())
	r := a.do("POST", "/accounts", whatsApp)
	assert.Equal(t, http.StatusCreated, r.status)
	assertShape(t, object("QrCode").with("account_id", accountID).with("qrcode", qrText), r)
}

func TestProvidersThatAreConnectedAtOnce(t *testing.T) {
	a := newAPI(t)
	r := a.do("POST", "/accounts", `{"provider":"OUTLOOK"}`)
	assert.Equal(t, http.StatusCreated, r.status)
	assertShape(t, object("AccountCreated").with("account_id", accountID), r)
	id := r.object(t)["account_id"].(string)
	assert.Equal(t, "OK", a.do("GET", "/accounts/"+id, "").source(t))

	require.NoError(t, a.srv.SetStatus(id, postpress.StatusCredentials))
	r = a.do("POST", "/accounts/"+id, `{"provider":"OUTLOOK"}`)
	assertShape(t, object("AccountReconnected").with("account_id", accountID), r)
	assert.Equal(t, "OK", a.do("GET", "/accounts/"+id, "").source(t))
}

func TestScanQRChecksTheText(t *testing.T) {
	a := newAPI(t)
	id, checkpoint := a.connect(whatsApp)
	require.ErrorIs(t, a.srv.ScanQR(""), postpresstest.ErrWrongCode)
	require.ErrorIs(t, a.srv.ScanQR("https://wa.me/else"), postpresstest.ErrWrongCode)
	require.NoError(t, a.srv.ScanQR(checkpoint["qrcode"].(string)))
	account, _ := a.srv.Account(id)
	assert.Equal(t, postpress.StatusOK, account.Status)
}

func TestPhoneErrors(t *testing.T) {
	a := newAPI(t)
	require.ErrorIs(t, a.srv.Scan("acc_none"), postpresstest.ErrUnknownAccount)
	require.ErrorIs(t, a.srv.Expire("acc_none"), postpresstest.ErrUnknownAccount)
	require.ErrorIs(t, a.srv.SetStatus("acc_none", postpress.StatusOK), postpresstest.ErrUnknownAccount)
	known := a.srv.AddAccount(postpresstest.Account{})
	require.ErrorIs(t, a.srv.Scan(known.ID), postpresstest.ErrNoIntent)
	require.ErrorIs(t, a.srv.Expire(known.ID), postpresstest.ErrNoIntent)
	require.ErrorIs(t, a.srv.SetStatus(known.ID, ""), postpresstest.ErrInvalid)
	require.ErrorIs(t, a.srv.SetStatus(known.ID, postpress.StatusCreationFail), postpresstest.ErrNoIntent)
	id, _ := a.connect(whatsApp)
	require.ErrorIs(t, a.srv.ScanAs(id, "+33612345678"), postpresstest.ErrInvalid)
	_, err := a.srv.PairingCode(id)
	require.ErrorIs(t, err, postpresstest.ErrWrongMethod)
	_, err = a.srv.CheckpointCode(id)
	require.ErrorIs(t, err, postpresstest.ErrWrongMethod)
	require.NoError(t, a.srv.Expire(id))
	_, err = a.srv.QRCode(id)
	require.ErrorIs(t, err, postpresstest.ErrNoIntent)
	_, ok := a.srv.Account(id)
	assert.False(t, ok)
	assert.Panics(t, func() { a.srv.AddAccount(postpresstest.Account{ID: known.ID}) })
}
