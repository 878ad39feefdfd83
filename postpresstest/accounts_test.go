package postpresstest_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func TestAddAccount(t *testing.T) {
	a := newAPI(t)
	want := postpresstest.Account{
		ID: "acc_01HXYZ4QK3WJ8FN3M6QH7TZ8GR", Provider: postpress.ProviderTelegram, Name: "Ada", PhoneNumber: "4915112345678",
		Status: postpress.StatusPermissions, CreatedAt: time.Date(2025, 12, 31, 23, 59, 59, 999_000_000, time.UTC),
	}
	assert.Equal(t, want, a.srv.AddAccount(want))
	got := a.do("GET", "/accounts/"+want.ID, "")
	assert.Equal(t, "PERMISSIONS", got.source(t))
	assert.Equal(t, "2025-12-31T23:59:59.999Z", got.object(t)["created_at"])

	filled := a.srv.AddAccount(postpresstest.Account{})
	assert.Equal(t, postpress.ProviderWhatsApp, filled.Provider)
	assert.Equal(t, filled.PhoneNumber, filled.Name)
	assert.Equal(t, "OK", a.do("GET", "/accounts/"+filled.ID, "").source(t))
	assert.Equal(t, []postpresstest.Account{want, filled}, a.srv.Accounts())
	_, ok := a.srv.Account("acc_none")
	assert.False(t, ok)
}

func TestUpdateRestartAndResync(t *testing.T) {
	a := newAPI(t)
	path := "/accounts/" + a.srv.AddAccount(postpresstest.Account{}).ID
	for _, body := range []string{
		`{"proxy":{"protocol":"socks5","host":"p.test","port":1080,"username":"u","password":"p"}}`,
		`{"country":"FR"}`, `{"ip":"192.0.2.1"}`, `{"label":"Support"}`,
	} {
		r := a.do("PATCH", path, body)
		assert.Equal(t, http.StatusOK, r.status)
		assertShape(t, object("AccountPatched").with("account_id", accountID), r)
	}
	assert.Equal(t, "Support", a.do("GET", path, "").object(t)["name"])

	id := a.srv.Accounts()[0].ID
	require.NoError(t, a.srv.SetStatus(id, postpress.StatusStopped))
	assertShape(t, object("AccountRestarted"), a.do("POST", path+"/restart", ""))
	assert.Equal(t, "OK", a.do("GET", path, "").source(t))
	require.NoError(t, a.srv.SetStatus(id, postpress.StatusCredentials))
	assertShape(t, object("AccountFailedToRestart"), a.do("POST", path+"/restart", ""))

	linkedIn := a.srv.AddAccount(postpresstest.Account{Provider: postpress.ProviderLinkedIn})
	r := a.do("GET", "/accounts/"+linkedIn.ID+"/sync?after=x", "")
	assertShape(t, object("AccountResync").with("status", exactly("SYNC_STARTED")), r)

	assertShape(t, object("AccountDeleted"), a.do("DELETE", path, ""))
	assert.Equal(t, http.StatusNotFound, a.do("GET", path, "").status)
}

func TestCheckpoints(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t, postpresstest.WithAutoScan(0))
		r := a.do("POST", "/accounts", `{"provider":"INSTAGRAM","username":"ada"}`)
		assertShape(t, checkpointShape(shape{"type": exactly("OTP")}.rule()), r)
		r = a.do("POST", "/accounts", `{"provider":"LINKEDIN"}`)
		assertShape(t, checkpointShape(shape{"type": exactly("2FA"), "source": exactly("SMS")}.rule()), r)
		id, _ := checkpointOf(t, r)
		require.ErrorIs(t, a.srv.Scan(id), postpresstest.ErrWrongMethod)

		resend := `{"account_id":"` + id + `","provider":"LINKEDIN"}`
		assertShape(t, object("CheckpointResend").with("account_id", accountID).with("success", exactly(true)),
			a.do("POST", "/accounts/checkpoint/resend", resend))
		tooSoon := a.do("POST", "/accounts/checkpoint/resend", resend)
		assert.Equal(t, http.StatusUnprocessableEntity, tooSoon.status)
		assert.Equal(t, "unprocessable_entity", tooSoon.kind(t))
		time.Sleep(30 * time.Second)
		assert.Equal(t, http.StatusOK, a.do("POST", "/accounts/checkpoint/resend", resend).status)

		solve := func(code string) reply {
			return a.do("POST", "/accounts/checkpoint", `{"account_id":"`+id+`","provider":"LINKEDIN","code":"`+code+`"}`)
		}
		wrong := solve("no")
		assert.Equal(t, http.StatusUnauthorized, wrong.status)
		assert.Equal(t, "invalid_checkpoint_solution", wrong.kind(t))
		code, err := a.srv.CheckpointCode(id)
		require.NoError(t, err)
		assert.Len(t, code, 6)
		r = solve(code)
		assert.Equal(t, http.StatusCreated, r.status)
		assertShape(t, object("AccountCreated").with("account_id", accountID), r)
		assert.Equal(t, "OK", a.do("GET", "/accounts/"+id, "").source(t))

		require.NoError(t, a.srv.SetStatus(id, postpress.StatusCredentials))
		checkpointOf(t, a.do("POST", "/accounts/"+id, `{"provider":"LINKEDIN"}`))
		code, err = a.srv.CheckpointCode(id)
		require.NoError(t, err)
		assertShape(t, object("AccountReconnected").with("account_id", accountID), solve(code))
	})
}

func TestCheckpointAfterTheEnd(t *testing.T) {
	a := newAPI(t)
	linkedIn := a.srv.AddAccount(postpresstest.Account{Provider: postpress.ProviderLinkedIn, Status: postpress.StatusCredentials})
	checkpointOf(t, a.do("POST", "/accounts/"+linkedIn.ID, `{"provider":"LINKEDIN"}`))
	require.NoError(t, a.srv.Expire(linkedIn.ID))
	body := `{"account_id":"` + linkedIn.ID + `","provider":"LINKEDIN","code":"1"}`
	assert.Equal(t, http.StatusRequestTimeout, a.do("POST", "/accounts/checkpoint", body).status)
	assert.Equal(t, http.StatusBadRequest, a.do("POST", "/accounts/checkpoint", body).status)
}

func TestHostedLink(t *testing.T) {
	a := newAPI(t)
	seeded := a.srv.AddAccount(postpresstest.Account{})
	for _, body := range []string{
		`{"type":"create","providers":"*:MESSAGING"}`,
		`{"type":"create","providers":["WHATSAPP"],"expiresOn":"2999-12-31T23:59:59.999Z","api_url":"https://api.postpress.ai","name":"u1"}`,
		`{"type":"reconnect","reconnect_account":"` + seeded.ID + `"}`,
	} {
		r := a.do("POST", "/hosted/accounts/link", body)
		assert.Equal(t, http.StatusCreated, r.status, r.body)
		assertShape(t, object("HostedAuthURL").with("url", text(`^https://`)), r)
		u, err := url.Parse(r.object(t)["url"].(string))
		require.NoError(t, err)
		assert.Equal(t, "hosted.postpress.test", u.Host)
	}
}

func TestWebhookEndpoints(t *testing.T) {
	a := newAPI(t)
	seeded := a.srv.AddAccount(postpresstest.Account{Name: "Ada"})
	create := func(body string) string {
		r := a.do("POST", "/webhooks", body)
		require.Equal(t, http.StatusCreated, r.status, r.body)
		assertShape(t, object("WebhookCreated").with("webhook_id", someText), r)
		return r.object(t)["webhook_id"].(string)
	}
	first := create(`{"source":"account_status","request_url":"https://x.test/hook","name":"n","format":"form","enabled":false,
		"account_ids":["` + seeded.ID + `"],"events":["ok"],"headers":[{"key":"Postpress-Auth","value":"secret"}],"data":[{"name":"a","key":"b"}]}`)
	second := create(`{"source":"messaging","request_url":"http://x.test","events":["message_received"]}`)

	r := a.do("GET", "/webhooks", "")
	assertShape(t, object("WebhookList").with("items", list(webhookShape.rule())).with("cursor", nullOr(someText)), r)
	items := r.object(t)["items"].([]any)
	require.Len(t, items, 2)
	full, short := items[0].(map[string]any), items[1].(map[string]any)
	assert.Equal(t, []any{map[string]any{"id": seeded.ID, "name": "Ada", "type": "WHATSAPP"}}, full["account_ids"])
	assert.Equal(t, "form", full["format"])
	assert.Equal(t, false, full["enabled"])
	assert.Equal(t, "json", short["format"])
	assert.Equal(t, true, short["enabled"])

	cursor := a.do("GET", "/webhooks?limit=1", "").object(t)["cursor"].(string)
	assertShape(t, object("WebhookDeleted"), a.do("DELETE", "/webhooks/"+first, ""))
	rest := a.do("GET", "/webhooks?cursor="+url.QueryEscape(cursor), "").object(t)["items"].([]any)
	require.Len(t, rest, 1)
	assert.Equal(t, second, rest[0].(map[string]any)["id"])
}
