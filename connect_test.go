package postpress_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

const fixtureQR = "https://wa.me/settings/linked_devices#2@Pf0sKq1,Qq7tYw==,kJ9hZz==,sEcReTqRtExT==,1"

// Every form of an answer to a start, and what it means.
var starts = map[string]postpress.Checkpoint{
	"qrcode":                       {Type: postpress.CheckpointQRCode, QRCode: fixtureQR},
	"qrcode_legacy":                {Type: postpress.CheckpointQRCode, QRCode: fixtureQR},
	"qrcode_bare":                  {Type: postpress.CheckpointQRCode, QRCode: fixtureQR},
	"qrcode_untyped":               {Type: postpress.CheckpointQRCode, QRCode: fixtureQR},
	"qrcode_respelled":             {Type: postpress.CheckpointQRCode, QRCode: fixtureQR},
	"pairing_code":                 {Type: postpress.CheckpointPairingCode, PairingCode: "ABCD-1234"},
	"pairing_snake":                {Type: postpress.CheckpointPairingCode, PairingCode: "ABCD-1234"},
	"pairing_camel":                {Type: postpress.CheckpointPairingCode, PairingCode: "ABCD-1234"},
	"pairing_bare":                 {Type: postpress.CheckpointPairingCode, PairingCode: "ABCD-1234"},
	"pairing_as_qrcode":            {Type: postpress.CheckpointPairingCode, PairingCode: "ABCD-1234"},
	"pairing_as_qrcode_other_type": {Type: "PHONE", PairingCode: "ABCD-1234"},
	"pairing_under_qrcode_type":    {Type: postpress.CheckpointPairingCode, PairingCode: "ABCD-1234"},
	"pairing_untyped":              {Type: postpress.CheckpointPairingCode, PairingCode: "ABCD-1234"},
	"pairing_other_type":           {Type: "WHATSAPP_CODE", PairingCode: "ABCD-1234"},
	"pairing_named_other_type":     {Type: "PHONE_LINK", PairingCode: "ABCD-1234"},
	"pairing_beside_id":            {Type: postpress.CheckpointPairingCode, PairingCode: "ABCD-1234"},
	"pairing_legacy":               {Type: postpress.CheckpointPairingCode, PairingCode: "ABCD-1234"},
	"2fa":                          {Type: postpress.Checkpoint2FA, Source: "APP"},
	"otp":                          {Type: postpress.CheckpointOTP},
	"phone_register":               {Type: postpress.CheckpointPhoneRegister},
	"in_app_validation":            {Type: postpress.CheckpointInAppValidation},
	"captcha":                      {Type: postpress.CheckpointCaptcha, PublicKey: "pk-1", Data: "blob"},
	"contract_chooser":             {Type: postpress.CheckpointContractChooser, ContractOptions: []postpress.ContractOption{{ID: "c1", Name: "Recruiter"}, {ID: "2", Name: "Sales"}, {}}},
	"unknown_type":                 {Type: "PASSKEY"},
	"bare_type":                    {Type: "PASSKEY"},
	"mistyped":                     {},
	"null_checkpoint":              {},
	"empty_checkpoint":             {},
	"unknown_object":               {},
}

var linkedAtOnce = []string{"created", "reconnected", "no_object"}

func TestStartAnswers(t *testing.T) {
	all := fixtures(t, "starts")
	require.Len(t, all, len(starts)+len(linkedAtOnce))
	for name, want := range starts {
		synctest.Test(t, func(t *testing.T) {
			api := newMockAPI(t)
			api.answer("POST", "/accounts", reply(202, all[name]))
			res, err := api.client.ConnectAccount(t.Context(), postpress.ConnectRequest{Provider: postpress.ProviderWhatsApp})
			require.NoError(t, err, name)
			assert.Equal(t, mockID, res.AccountID, name)
			assert.JSONEq(t, all[name], string(res.Raw), name)
			require.NotNil(t, res.Checkpoint, name)

			want.AccountID, want.IssuedAt = mockID, time.Now()
			switch {
			case want.QRCode != "":
				want.ExpiresAt = time.Now().Add(60 * time.Second)
			case want.PairingCode != "":
				want.ExpiresAt = time.Now().Add(160 * time.Second)
			}
			assert.NotEmpty(t, res.Checkpoint.Raw, name)
			want.Raw = res.Checkpoint.Raw
			assert.Equal(t, &want, res.Checkpoint, name)
		})
	}
	for _, name := range linkedAtOnce {
		api := newMockAPI(t)
		api.answer("POST", "/accounts", reply(201, all[name]))
		res, err := api.client.ConnectAccount(t.Context(), postpress.ConnectRequest{Provider: postpress.ProviderMail})
		require.NoError(t, err, name)
		assert.Equal(t, mockID, res.AccountID)
		assert.Nil(t, res.Checkpoint)
	}
}

// A start gives what it was asked for, or an error that keeps what came instead.
func TestWhatsAppStarts(t *testing.T) {
	all := fixtures(t, "starts")
	number := "+33 6 12 34 56 78"
	for name, call := range map[string]struct {
		path, body string
		qr         bool
		start      func(c *postpress.Client) (*postpress.Checkpoint, error)
	}{
		"StartWhatsAppQR": {"/accounts", `{"provider":"WHATSAPP"}`, true, func(c *postpress.Client) (*postpress.Checkpoint, error) {
			return c.StartWhatsAppQR(t.Context())
		}},
		"ReconnectWhatsAppQR": {"/accounts/" + mockID, `{"provider":"WHATSAPP"}`, true, func(c *postpress.Client) (*postpress.Checkpoint, error) {
			return c.ReconnectWhatsAppQR(t.Context(), mockID)
		}},
		"StartWhatsAppPairing": {"/accounts", `{"provider":"WHATSAPP","pairing_phone_number":"33612345678"}`, false, func(c *postpress.Client) (*postpress.Checkpoint, error) {
			return c.StartWhatsAppPairing(t.Context(), number)
		}},
		"ReconnectWhatsAppPairing": {"/accounts/" + mockID, `{"provider":"WHATSAPP","pairing_phone_number":"33612345678"}`, false, func(c *postpress.Client) (*postpress.Checkpoint, error) {
			return c.ReconnectWhatsAppPairing(t.Context(), mockID, number)
		}},
	} {
		for answer, want := range starts {
			api := newMockAPI(t)
			api.answer("POST", call.path, reply(202, all[answer]))
			cp, err := call.start(api.client)
			assert.JSONEq(t, call.body, api.only().Body)
			if fits := call.qr && want.QRCode != "" || !call.qr && want.PairingCode != ""; fits {
				require.NoError(t, err, name, answer)
				assert.Equal(t, mockID, cp.AccountID)
				continue
			}
			require.ErrorIs(t, err, postpress.ErrUnsupportedCheckpoint, name, answer)
			var failed *postpress.StartError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, mockID, failed.AccountID)
			assert.Equal(t, want.Type, failed.Checkpoint.Type)
			assert.NotEmpty(t, failed.Checkpoint.Raw)
			assert.Contains(t, err.Error(), mockID)
			assert.Contains(t, err.Error(), string(want.Type))
		}
		for _, answer := range linkedAtOnce {
			api := newMockAPI(t)
			api.answer("POST", call.path, reply(201, all[answer]))
			_, err := call.start(api.client)
			require.ErrorIs(t, err, postpress.ErrAlreadyConnected, name, answer)
			require.EqualError(t, err, "postpress: the account is already connected (account "+mockID+")")
		}
	}
}

func TestWhatsAppStartsRefuseNumbers(t *testing.T) {
	c := newMockAPI(t).client
	_, err := c.StartWhatsAppPairing(t.Context(), "06 12 34 56 78")
	_, again := c.ReconnectWhatsAppPairing(t.Context(), mockID, "06 12 34 56 78")
	for _, err := range []error{err, again} {
		var bad *postpress.PhoneNumberError
		require.ErrorAs(t, err, &bad)
		requireArgumentError(t, err, "phoneNumber")
		assert.NotContains(t, err.Error(), "12")
	}
	_, err = c.ReconnectWhatsAppPairing(t.Context(), "..", "+33 6 12 34 56 78")
	requireArgumentError(t, err, "accountID")
}

// Without an id nobody can wait, nor clean up: the answer is kept in the error.
func TestStartWithoutAccount(t *testing.T) {
	for _, body := range []string{
		`{"object":"AccountCreated"}`, `{"object":"Checkpoint","account_id":null,"checkpoint":{"type":"QRCODE","qrcode":"2@secret"}}`,
		`{}`, `null`, `"2@secret"`, `[{"qrcode":"2@secret"}]`, `2@secret`, ``,
	} {
		api := newMockAPI(t)
		api.answer("POST", "/accounts", reply(202, body))
		_, err := api.client.StartWhatsAppQR(t.Context())
		var apiErr *postpress.APIError
		require.ErrorAs(t, err, &apiErr, body)
		require.ErrorIs(t, err, postpress.ErrUnknownOutcome, "it may have been created")
		assert.Equal(t, body, string(apiErr.Body()))
		assert.NotContains(t, err.Error(), "secret")
	}

	api := newMockAPI(t) // known from the request
	api.answer("POST", "/accounts/"+mockID, reply(202, `{"checkpoint":{"type":"QRCODE","qrcode":"2@secret"}}`))
	cp, err := api.client.ReconnectWhatsAppQR(t.Context(), mockID)
	require.NoError(t, err)
	assert.Equal(t, mockID, cp.AccountID)
}

func TestConnectRequestOnTheWire(t *testing.T) {
	for name, tc := range map[string]struct {
		r    postpress.ConnectRequest
		body string
	}{
		"all": {postpress.ConnectRequest{
			Provider: postpress.ProviderWhatsApp, PairingPhoneNumber: "33612345678", Country: "FR", IP: "203.0.113.7",
			Proxy:            &postpress.Proxy{Protocol: "https", Host: "p.example.com", Port: 443, Username: "u", Password: "p"},
			DisabledFeatures: []string{"linkedin_recruiter"},
		}, `{"provider":"WHATSAPP","pairing_phone_number":"33612345678","country":"FR","ip":"203.0.113.7","disabled_features":["linkedin_recruiter"],
			"proxy":{"protocol":"https","host":"p.example.com","port":443,"username":"u","password":"p"}}`},
		"extra": {postpress.ConnectRequest{
			Provider: postpress.ProviderLinkedIn, Extra: map[string]any{"username": "ada", "password": "pw", "provider": "MAIL"},
		}, `{"provider":"LINKEDIN","username":"ada","password":"pw"}`},
	} {
		api := newMockAPI(t)
		api.answer("POST", "/accounts", reply(201, fixture(t, "starts/created.json")))
		_, err := api.client.ConnectAccount(t.Context(), tc.r)
		require.NoError(t, err)
		assert.JSONEq(t, tc.body, api.only().Body, name)
		if tc.r.Extra != nil {
			assert.Equal(t, "MAIL", tc.r.Extra["provider"], "the caller's map is not changed")
		}
	}
}

func TestConnectRefuses(t *testing.T) {
	wa := func(change func(*postpress.ConnectRequest)) postpress.ConnectRequest {
		r := postpress.ConnectRequest{Provider: postpress.ProviderWhatsApp}
		change(&r)
		return r
	}
	proxy := func(p postpress.Proxy) postpress.ConnectRequest {
		return wa(func(r *postpress.ConnectRequest) { r.Proxy = &p })
	}
	for name, tc := range map[string]struct {
		r     postpress.ConnectRequest
		field string
	}{
		"no provider":      {postpress.ConnectRequest{}, "Provider"},
		"number with plus": {wa(func(r *postpress.ConnectRequest) { r.PairingPhoneNumber = "+33612345678" }), "PairingPhoneNumber"},
		"national number":  {wa(func(r *postpress.ConnectRequest) { r.PairingPhoneNumber = "0612345678" }), "PairingPhoneNumber"},
		"country":          {wa(func(r *postpress.ConnectRequest) { r.Country = "fr" }), "Country"},
		"IPv6":             {wa(func(r *postpress.ConnectRequest) { r.IP = "2001:db8::1" }), "IP"},
		"IPv4 in IPv6":     {wa(func(r *postpress.ConnectRequest) { r.IP = "::ffff:203.0.113.7" }), "IP"},
		"no IP":            {wa(func(r *postpress.ConnectRequest) { r.IP = "203.0.113" }), "IP"},
		"proxy protocol":   {proxy(postpress.Proxy{Protocol: "ftp", Host: "h", Port: 1}), "Proxy.Protocol"},
		"proxy host":       {proxy(postpress.Proxy{Protocol: "http", Port: 1}), "Proxy.Host"},
		"proxy URL":        {proxy(postpress.Proxy{Protocol: "http", Host: "http://h", Port: 1}), "Proxy.Host"},
		"proxy port":       {proxy(postpress.Proxy{Protocol: "http", Host: "h"}), "Proxy.Port"},
		"proxy port, high": {proxy(postpress.Proxy{Protocol: "http", Host: "h", Port: 65536}), "Proxy.Port"},
		"no JSON":          {wa(func(r *postpress.ConnectRequest) { r.Extra = map[string]any{"f": func() {}} }), "in"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newMockAPI(t).client
			_, err := c.ConnectAccount(t.Context(), tc.r)
			_, again := c.ReconnectAccount(t.Context(), mockID, tc.r)
			requireArgumentError(t, errors.Join(err), tc.field)
			requireArgumentError(t, again, tc.field)
		})
	}
}
