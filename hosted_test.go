package postpress_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

func TestCreateHostedAuthLink(t *testing.T) {
	expires := time.Date(2125, 12, 31, 23, 59, 59, 999e6, time.FixedZone("CET", 3600))
	for name, tc := range map[string]struct {
		r    postpress.HostedAuthLinkRequest
		body string
	}{
		"least": {postpress.HostedAuthLinkRequest{},
			`{"type":"create","providers":"*","expiresOn":"2125-12-31T22:59:59.999Z","api_url":"https://api.example.com"}`},
		"wildcard": {postpress.HostedAuthLinkRequest{Providers: []postpress.Provider{"*:MESSAGING"}},
			`{"type":"create","providers":"*:MESSAGING","expiresOn":"2125-12-31T22:59:59.999Z","api_url":"https://api.example.com"}`},
		"all": {postpress.HostedAuthLinkRequest{
			ReconnectAccount: "acc_1", Providers: []postpress.Provider{postpress.ProviderWhatsApp}, Name: "user-7",
			NotifyURL: "https://shop.example.com/hook", SuccessRedirectURL: "https://shop.example.com/ok", FailureRedirectURL: "shop:failed",
			BypassSuccessScreen: true, APIURL: "https://api.postpress.ai",
		}, `{"type":"reconnect","providers":["WHATSAPP"],"expiresOn":"2125-12-31T22:59:59.999Z","api_url":"https://api.postpress.ai","name":"user-7",
			"notify_url":"https://shop.example.com/hook","success_redirect_url":"https://shop.example.com/ok","failure_redirect_url":"shop:failed",
			"bypass_success_screen":true,"reconnect_account":"acc_1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			api := newMockAPI(t)
			api.answer("POST", "/hosted/accounts/link", reply(201, `{"object":"HostedAuthURL","url":"https://auth.example.com/x"}`))
			tc.r.ExpiresOn = expires
			link, err := api.client.CreateHostedAuthLink(t.Context(), tc.r)
			require.NoError(t, err)
			assert.Equal(t, "https://auth.example.com/x", link)
			assert.JSONEq(t, tc.body, api.only().Body)
		})
	}
}

func TestHostedAuthLinkWithoutURL(t *testing.T) {
	for _, body := range []string{`{"object":"HostedAuthUrl"}`, `{"url":7}`, `null`, `OK`} {
		api := newMockAPI(t)
		api.answer("POST", "/hosted/accounts/link", reply(201, body))
		_, err := api.client.CreateHostedAuthLink(t.Context(), postpress.HostedAuthLinkRequest{ExpiresOn: time.Now().Add(time.Hour)})
		var apiErr *postpress.APIError
		require.ErrorAs(t, err, &apiErr)
		assert.Equal(t, body, string(apiErr.Body()))
	}
}

func TestHostedAuthLinkRefuses(t *testing.T) {
	later := time.Now().Add(time.Hour)
	for field, requests := range map[string][]postpress.HostedAuthLinkRequest{
		"ExpiresOn":          {{}, {ExpiresOn: time.Now().Add(-time.Second)}},
		"Providers":          {{ExpiresOn: later, Providers: []postpress.Provider{"*", "WHATSAPP"}}, {ExpiresOn: later, Providers: []postpress.Provider{""}}},
		"NotifyURL":          {{ExpiresOn: later, NotifyURL: "/hook"}, {ExpiresOn: later, NotifyURL: "https://[::1"}},
		"SuccessRedirectURL": {{ExpiresOn: later, SuccessRedirectURL: "shop.example.com"}},
		"FailureRedirectURL": {{ExpiresOn: later, FailureRedirectURL: "failed"}},
		"APIURL":             {{ExpiresOn: later, APIURL: "api.postpress.ai"}},
		"ReconnectAccount":   {{ExpiresOn: later, ReconnectAccount: "../x"}},
	} {
		for _, r := range requests {
			_, err := newMockAPI(t).client.CreateHostedAuthLink(t.Context(), r)
			requireArgumentError(t, err, field)
		}
	}
}
