package postpress_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

// accountCall is a call that has an account id in its path.
type accountCall struct {
	name, method, path, body, answer string
	call                             func(ctx context.Context, c *postpress.Client, id string) error
}

var accountCalls = []accountCall{
	{"GetAccount", "GET", "/accounts/{id}", ``, `{"id":"a"}`, func(ctx context.Context, c *postpress.Client, id string) error {
		_, err := c.GetAccount(ctx, id)
		return err
	}},
	{"ReconnectAccount", "POST", "/accounts/{id}", `{"provider":"WHATSAPP"}`, `{"object":"AccountReconnected","account_id":"a"}`,
		func(ctx context.Context, c *postpress.Client, id string) error {
			_, err := c.ReconnectAccount(ctx, id, postpress.ConnectRequest{Provider: postpress.ProviderWhatsApp})
			return err
		}},
	{"ReconnectWhatsAppQR", "POST", "/accounts/{id}", `{"provider":"WHATSAPP"}`,
		`{"object":"Checkpoint","account_id":"a","checkpoint":{"type":"QRCODE","qrcode":"2@x"}}`,
		func(ctx context.Context, c *postpress.Client, id string) error {
			_, err := c.ReconnectWhatsAppQR(ctx, id)
			return err
		}},
	{"ReconnectWhatsAppPairing", "POST", "/accounts/{id}", `{"provider":"WHATSAPP","pairing_phone_number":"33612345678"}`,
		`{"object":"Checkpoint","account_id":"a","checkpoint":{"type":"PAIRING_CODE","code":"ABCD-1234"}}`,
		func(ctx context.Context, c *postpress.Client, id string) error {
			_, err := c.ReconnectWhatsAppPairing(ctx, id, "+33 6 12 34 56 78")
			return err
		}},
	{"UpdateAccount", "PATCH", "/accounts/{id}", `{"label":"Sales"}`, `{"object":"AccountPatched","account_id":"a"}`,
		func(ctx context.Context, c *postpress.Client, id string) error {
			return c.UpdateAccount(ctx, id, postpress.UpdateAccountRequest{Label: "Sales"})
		}},
	{"DeleteAccount", "DELETE", "/accounts/{id}", ``, `{"object":"AccountDeleted"}`,
		func(ctx context.Context, c *postpress.Client, id string) error { return c.DeleteAccount(ctx, id) }},
	{"RestartAccount", "POST", "/accounts/{id}/restart", ``, `{"object":"AccountRestarted"}`,
		func(ctx context.Context, c *postpress.Client, id string) error { return c.RestartAccount(ctx, id) }},
	{"ResyncAccount", "GET", "/accounts/{id}/sync", ``, `{"object":"AccountResync","status":"SYNC_STARTED"}`,
		func(ctx context.Context, c *postpress.Client, id string) error {
			_, err := c.ResyncAccount(ctx, id, nil)
			return err
		}},
}

func TestAccountCallsOnTheWire(t *testing.T) {
	for _, tc := range accountCalls {
		t.Run(tc.name, func(t *testing.T) {
			for id, escaped := range map[string]string{mockID: mockID, "a?b#c%2e;é+": "a%3Fb%23c%252e%3B%C3%A9+"} {
				api := newMockAPI(t)
				api.answer(tc.method, strings.Replace(tc.path, "{id}", escaped, 1), reply(200, tc.answer))
				require.NoError(t, tc.call(t.Context(), api.client, id))
				sent := api.only()
				assert.Equal(t, "/gateway/v1"+strings.Replace(tc.path, "{id}", escaped, 1), sent.Path)
				assert.Empty(t, sent.Query)
				if tc.body == "" {
					assert.Empty(t, sent.Body)
				} else {
					assert.JSONEq(t, tc.body, sent.Body)
				}
			}
		})
	}
}

// Without fitting answers an id must never leave its place in the path.
func TestAccountCallsRefuseIDs(t *testing.T) {
	ids := []string{"", ".", "..", "a/b", `a\b`, "../webhooks", " ", "a b", "a\x00", "a\n", "\u2028", strings.Repeat("a", 513)}
	for _, tc := range accountCalls {
		for _, id := range ids {
			api := newMockAPI(t)
			bad := requireArgumentError(t, tc.call(t.Context(), api.client, id), "accountID")
			assert.NotContains(t, bad.Problem, "webhooks", "the value is not repeated")
			assert.Empty(t, api.sent)
		}
	}
}

// A call that fails says which one it was, and keeps what the API said.
func TestAccountCallsFail(t *testing.T) {
	for _, tc := range accountCalls {
		api := newMockAPI(t)
		api.answer(tc.method, strings.Replace(tc.path, "{id}", mockID, 1), reply(404, fixture(t, "errors/not_found.error.json")))
		err := tc.call(t.Context(), api.client, mockID)
		require.ErrorIs(t, err, postpress.ErrNotFound, tc.name)
		require.EqualError(t, err, "postpress: "+tc.method+" "+tc.path+
			": 404 Not Found (errors/resource_not_found): No such account. [request 0e1f3a8a-5c1e-4c89-9d3a-2f4b6a7c8d9e]")
	}
}

func TestUpdateAccount(t *testing.T) {
	for name, tc := range map[string]struct {
		r    postpress.UpdateAccountRequest
		body string
	}{
		"label":   {postpress.UpdateAccountRequest{Label: "Sales"}, `{"label":"Sales"}`},
		"country": {postpress.UpdateAccountRequest{Country: "FR"}, `{"country":"FR"}`},
		"ip":      {postpress.UpdateAccountRequest{IP: "203.0.113.7"}, `{"ip":"203.0.113.7"}`},
		"proxy": {postpress.UpdateAccountRequest{Proxy: &postpress.Proxy{Protocol: "socks5", Host: "proxy.example.com", Port: 1080, Username: "u", Password: "p"}},
			`{"proxy":{"protocol":"socks5","host":"proxy.example.com","port":1080,"username":"u","password":"p"}}`},
		"open proxy": {postpress.UpdateAccountRequest{Proxy: &postpress.Proxy{Protocol: "http", Host: "10.0.0.1", Port: 8080}},
			`{"proxy":{"protocol":"http","host":"10.0.0.1","port":8080}}`},
	} {
		t.Run(name, func(t *testing.T) {
			api := newMockAPI(t)
			api.answer("PATCH", "/accounts/a", reply(200, `{"object":"AccountPatched","account_id":"a"}`))
			require.NoError(t, api.client.UpdateAccount(t.Context(), "a", tc.r))
			assert.JSONEq(t, tc.body, api.only().Body)
		})
	}
	err := newMockAPI(t).client.UpdateAccount(t.Context(), "a", postpress.UpdateAccountRequest{})
	requireArgumentError(t, err, "UpdateAccountRequest")
	err = newMockAPI(t).client.UpdateAccount(t.Context(), "a", postpress.UpdateAccountRequest{Country: "France"})
	requireArgumentError(t, err, "Country")
}

// The calls that answer yes take any yes, and no page of a gateway for one.
func TestAcknowledgements(t *testing.T) {
	for body, is := range map[string]error{
		`{"object":"AccountRestarted"}`: nil,
		``:                              nil,
		`null`:                          nil,
		`OK`:                            nil,
		`{"object":["AccountRestarted"],"success":"maybe"}`: nil,
		`{"object":"AccountFailedToRestart"}`:               postpress.ErrConnectionFailed,
		`<html>Please log in</html>`:                        postpress.ErrUnknownOutcome,
	} {
		api := newMockAPI(t)
		api.answer("POST", "/accounts/a/restart", reply(200, body))
		err := api.client.RestartAccount(t.Context(), "a")
		if is == nil {
			require.NoError(t, err, body)
			continue
		}
		require.ErrorIs(t, err, is, body)
		var apiErr *postpress.APIError
		require.ErrorAs(t, err, &apiErr)
		assert.Equal(t, body, string(apiErr.Body()))
	}
}

func TestRestartThatFails(t *testing.T) {
	api := newMockAPI(t)
	api.answer("POST", "/accounts/a/restart", reply(200, `{"object":"AccountFailedToRestart"}`))
	err := api.client.RestartAccount(t.Context(), "a")
	require.EqualError(t, err, "postpress: POST /accounts/{id}/restart: 200 OK: the account failed to restart")
	require.NotErrorIs(t, err, postpress.ErrUnknownOutcome, "the API has said what happened")
}

func TestResyncAccount(t *testing.T) {
	for body, want := range map[string]postpress.SyncStatus{
		`{"object":"AccountResync","status":"SYNC_RUNNING"}`: postpress.SyncRunning,
		`{"object":"AccountResync","status":"SYNC_ERROR"}`:   postpress.SyncError,
		`{"object":"AccountResync","status":"PAUSED"}`:       "PAUSED",
		`{"object":"AccountResync","status":{"is":"odd"}}`:   "",
	} {
		api := newMockAPI(t)
		api.answer("GET", "/accounts/a/sync?chats=all&since=2025", reply(200, body))
		status, err := api.client.ResyncAccount(t.Context(), "a", url.Values{"since": {"2025"}, "chats": {"all"}})
		require.NoError(t, err)
		assert.Equal(t, want, status)
	}
}

func TestSolveAndResendCheckpoint(t *testing.T) {
	api := newMockAPI(t)
	api.answer("POST", "/accounts/checkpoint", reply(202, fixture(t, "starts/2fa.json")), reply(201, `{"object":"AccountCreated"}`))
	api.answer("POST", "/accounts/checkpoint/resend", reply(200, `{"object":"CheckpointResend","account_id":"a","success":true}`),
		reply(200, `{"object":"CheckpointResend","account_id":"a","success":false}`))

	res, err := api.client.SolveCheckpoint(t.Context(), mockID, postpress.ProviderLinkedIn, "123456")
	require.NoError(t, err)
	require.NotNil(t, res.Checkpoint, "a further one")
	assert.Equal(t, postpress.Checkpoint2FA, res.Checkpoint.Type)
	res, err = api.client.SolveCheckpoint(t.Context(), mockID, postpress.ProviderLinkedIn, "654321")
	require.NoError(t, err)
	assert.Nil(t, res.Checkpoint)
	assert.Equal(t, mockID, res.AccountID, "known from the request")

	require.NoError(t, api.client.ResendCheckpoint(t.Context(), mockID, postpress.ProviderTwitter))
	err = api.client.ResendCheckpoint(t.Context(), mockID, postpress.ProviderTwitter)
	require.EqualError(t, err, "postpress: POST /accounts/checkpoint/resend: 200 OK: the API answers that it did not succeed")

	require.Len(t, api.sent, 4)
	assert.JSONEq(t, `{"account_id":"`+mockID+`","provider":"LINKEDIN","code":"123456"}`, api.sent[0].Body)
	assert.JSONEq(t, `{"account_id":"`+mockID+`","provider":"TWITTER"}`, api.sent[2].Body)
}

func TestCheckpointCallsRefuse(t *testing.T) {
	c := newMockAPI(t).client
	solve := func(id string, p postpress.Provider, code string) error {
		_, err := c.SolveCheckpoint(t.Context(), id, p, code)
		return err
	}
	requireArgumentError(t, solve("", postpress.ProviderLinkedIn, "1"), "accountID")
	requireArgumentError(t, solve("a", "", "1"), "provider")
	requireArgumentError(t, solve("a", postpress.ProviderLinkedIn, ""), "code")
	requireArgumentError(t, c.ResendCheckpoint(t.Context(), "..", postpress.ProviderLinkedIn), "accountID")
	requireArgumentError(t, c.ResendCheckpoint(t.Context(), "a", ""), "provider")
}

// DELETE is repeated; where the first attempt may have deleted the account, its absence is success.
func TestDeleteAccountTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newMockAPI(t, postpress.WithRetryPolicy(postpress.RetryPolicy{}))
		api.answer("DELETE", "/accounts/a", reply(502, ``), reply(404, `{}`))
		require.NoError(t, api.client.DeleteAccount(t.Context(), "a"))
		require.ErrorIs(t, api.client.DeleteAccount(t.Context(), "a"), postpress.ErrNotFound)
	})
}
