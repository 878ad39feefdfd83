package postpress_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

const (
	hookURL     = "https://example.com/postpress"
	hookCreated = `{"object":"WebhookCreated","webhook_id":"whk_1"}`
)

func TestCreateWebhook(t *testing.T) {
	for body, want := range map[string]string{
		hookCreated: "whk_1", `{"webhook_id":7}`: "7", `{"id":"whk_2"}`: "whk_2", `{"webhook_id":null,"id":"whk_3","x":[]}`: "whk_3",
	} {
		api := newMockAPI(t)
		api.answer("POST", "/webhooks", reply(201, body))
		id, err := api.client.CreateWebhook(t.Context(), postpress.WebhookRequest{
			Source: postpress.WebhookSourceMessaging, RequestURL: "http://10.0.0.1/hook?a=b", Name: "n", BodyFormat: "form",
			Disabled: true, AccountIDs: []string{"acc_1"}, Events: []string{"message_received"},
			Headers: []postpress.WebhookHeader{{Key: "X-Key", Value: "v"}},
			Data:    []postpress.WebhookField{{Name: "id", Key: "account_id"}},
		})
		require.NoError(t, err)
		assert.Equal(t, want, id)
		assert.JSONEq(t, `{"source":"messaging","request_url":"http://10.0.0.1/hook?a=b","name":"n","format":"form","enabled":false,
			"account_ids":["acc_1"],"events":["message_received"],"headers":[{"key":"X-Key","value":"v"}],
			"data":[{"name":"id","key":"account_id"}]}`, api.only().Body)
	}
	api := newMockAPI(t)
	api.answer("POST", "/webhooks", reply(201, hookCreated))
	_, err := api.client.CreateWebhook(t.Context(), postpress.WebhookRequest{Source: "users", RequestURL: hookURL}, postpress.WithIdempotencyKey("k"))
	require.NoError(t, err)
	assert.JSONEq(t, `{"source":"users","request_url":"`+hookURL+`","enabled":true}`, api.only().Body)
	assert.Equal(t, "k", api.only().Header.Get("Idempotency-Key"))
}

func TestCreateWebhookRefuses(t *testing.T) {
	fine := postpress.WebhookRequest{Source: "users", RequestURL: hookURL}
	for field, changes := range map[string][]func(*postpress.WebhookRequest){
		"Source": {func(r *postpress.WebhookRequest) { r.Source = "" }},
		"RequestURL": {
			func(r *postpress.WebhookRequest) { r.RequestURL = "" },
			func(r *postpress.WebhookRequest) { r.RequestURL = "/hook" },
			func(r *postpress.WebhookRequest) { r.RequestURL = "ftp://example.com" },
			func(r *postpress.WebhookRequest) { r.RequestURL = "https:///hook" },
			func(r *postpress.WebhookRequest) { r.RequestURL = "https://u:do-not-print@example.com" },
			func(r *postpress.WebhookRequest) { r.RequestURL = "https://example.com/#do-not-print" },
			func(r *postpress.WebhookRequest) { r.RequestURL = "https://do-not-print example.com\n" },
		},
		"AccountIDs": {func(r *postpress.WebhookRequest) { r.AccountIDs = []string{"acc_1", "../do-not-print"} }},
		"Headers": {
			func(r *postpress.WebhookRequest) { r.Headers = []postpress.WebhookHeader{{Key: "a b"}} },
			func(r *postpress.WebhookRequest) { r.Headers = []postpress.WebhookHeader{{Key: "", Value: "v"}} },
			func(r *postpress.WebhookRequest) {
				r.Headers = []postpress.WebhookHeader{{Key: "A", Value: "do-not-print\r\nB: c"}}
			},
		},
		"Data": {func(r *postpress.WebhookRequest) { r.Data = []postpress.WebhookField{{Name: "x"}} }},
	} {
		for _, change := range changes {
			r := fine
			change(&r)
			_, err := newMockAPI(t).client.CreateWebhook(t.Context(), r)
			requireArgumentError(t, err, field)
			assert.NotContains(t, err.Error(), "do-not-print")
		}
	}
}

func TestCreateWebhookUnreadableAnswer(t *testing.T) {
	for _, body := range []string{`{}`, `{"webhook_id":null}`, `[]`, `<html>`, ``} {
		api := newMockAPI(t)
		api.answer("POST", "/webhooks", reply(201, body))
		_, err := api.client.CreateWebhook(t.Context(), postpress.WebhookRequest{Source: "users", RequestURL: hookURL})
		var apiErr *postpress.APIError
		require.ErrorAs(t, err, &apiErr, body)
		assert.ErrorIs(t, err, postpress.ErrUnknownOutcome, "it may well exist")
	}
}

func TestCreateAccountStatusWebhook(t *testing.T) {
	api := newMockAPI(t)
	api.answer("POST", "/webhooks", reply(201, hookCreated))
	id, err := api.client.CreateAccountStatusWebhook(t.Context(), hookURL, hookSecret)
	require.NoError(t, err)
	assert.Equal(t, "whk_1", id)
	assert.JSONEq(t, `{"source":"account_status","request_url":"`+hookURL+`","name":"account status","format":"json","enabled":true,
		"events":["creation_success","creation_fail","deleted","reconnected","sync_success","stopped","ok","connecting","error","credentials","permissions"],
		"headers":[{"key":"Postpress-Auth","value":"`+hookSecret+`"},{"key":"Content-Type","value":"application/json"}]}`, api.only().Body)
}

func TestAccountStatusWebhookRefuses(t *testing.T) {
	for url, ok := range map[string]bool{
		hookURL: true, "http://localhost:8080/a": true, "http://127.0.0.1": true, "http://[::1]:80/": true,
		"http://example.com/a": false, "http://10.0.0.1/a": false, "HTTP://example.com": false, "http://localhost.example.com": false,
		"": false, "https://u:p@example.com": false, "example.com": false,
	} {
		api := newMockAPI(t)
		api.answer("POST", "/webhooks", reply(201, hookCreated))
		api.answer("GET", "/webhooks", reply(200, `{"items":[]}`))
		_, err1 := api.client.CreateAccountStatusWebhook(t.Context(), url, hookSecret)
		_, err2 := api.client.EnsureAccountStatusWebhook(t.Context(), url, hookSecret)
		if ok {
			require.NoError(t, err1, url)
			require.NoError(t, err2, url)
			continue
		}
		requireArgumentError(t, err1, "requestURL")
		requireArgumentError(t, err2, "requestURL")
		assert.Empty(t, api.sent)
	}
	for _, secret := range []string{"", "123456789012345", hookSecret + "\n", " " + hookSecret, hookSecret + "é"} {
		_, err := newMockAPI(t).client.CreateAccountStatusWebhook(t.Context(), hookURL, secret)
		requireArgumentError(t, err, "secret")
	}
}

func TestListWebhooks(t *testing.T) {
	const item = `{"object":"Webhook","id":"whk_1","type":"AUTO","name":"n","enabled":true,"request_url":"u","format":"form",
		"account_ids":[{"id":"acc_1","name":"33612345678","type":"WHATSAPP"},"acc_2",null,7],"headers":[{"key":"K","value":"V"}],
		"data":[{"name":"a","key":"b"}],"events":["ok"],"new":1}`
	for _, body := range []string{
		`{"object":"WebhookList","items":[` + item + `,null,3,{"id":7,"enabled":"no","events":"ok","headers":{}}],"cursor":"next"}`,
		`{"data":[` + item + `,null,3,{"id":7,"enabled":"no","events":"ok","headers":{}}],"next_cursor":"next"}`,
	} {
		api := newMockAPI(t)
		api.answer("GET", "/webhooks", reply(200, body))
		page, err := api.client.ListWebhooks(t.Context(), postpress.ListOptions{Limit: 3, Cursor: "c"}, postpress.WithHeader("X-Trace", "1"))
		require.NoError(t, err)
		assert.Equal(t, "cursor=c&limit=3", api.only().Query)
		assert.Equal(t, "1", api.only().Header.Get("X-Trace"))
		assert.Equal(t, "next", page.NextCursor)
		assert.JSONEq(t, body, string(page.Raw))
		require.Len(t, page.Webhooks, 2)
		w := *page.Webhooks[0]
		assert.JSONEq(t, item, string(w.Raw))
		w.Raw = nil
		assert.Equal(t, postpress.Webhook{
			ID: "whk_1", Type: "AUTO", Name: "n", Enabled: true, RequestURL: "u", BodyFormat: postpress.WebhookFormatForm,
			Accounts: []postpress.WebhookAccount{{ID: "acc_1", Name: "33612345678", Provider: "WHATSAPP"}, {ID: "acc_2"}, {}, {ID: "7"}},
			Headers:  []postpress.WebhookHeader{{Key: "K", Value: "V"}}, Data: []postpress.WebhookField{{Name: "a", Key: "b"}},
			Events: []string{"ok"},
		}, w)
		assert.Equal(t, "7", page.Webhooks[1].ID)
		assert.True(t, page.Webhooks[1].Enabled)
	}
	_, err := newMockAPI(t).client.ListWebhooks(t.Context(), postpress.ListOptions{Limit: 251})
	requireArgumentError(t, err, "Limit")
	for _, body := range []string{`{}`, `[]`, `{"items":7}`} {
		api := newMockAPI(t)
		api.answer("GET", "/webhooks", reply(200, body))
		_, err = api.client.ListWebhooks(t.Context(), postpress.ListOptions{})
		require.Error(t, err, "an empty page would say that there are none")
	}
}

func TestWebhookUnmarshalJSON(t *testing.T) {
	w := postpress.Webhook{ID: "kept"}
	require.NoError(t, json.Unmarshal([]byte(`null`), &w))
	require.NoError(t, w.UnmarshalJSON([]byte(`null`)))
	assert.Equal(t, "kept", w.ID)
	assert.Error(t, json.Unmarshal([]byte(`[]`), &w))
	data := []byte(`{"id":"whk_1"}`)
	require.NoError(t, w.UnmarshalJSON(data))
	clear(data)
	assert.JSONEq(t, `{"id":"whk_1"}`, string(w.Raw), "not the caller's bytes")
}

func TestAllWebhooksOnTheDouble(t *testing.T) {
	for _, form := range []postpresstest.Pagination{postpresstest.PaginationReference, postpresstest.PaginationQuickstart} {
		srv := postpresstest.NewServer(postpresstest.WithPagination(form))
		client := srv.Client()
		var want, got []string
		for range 5 {
			id, err := client.CreateAccountStatusWebhook(t.Context(), hookURL, postpress.GenerateWebhookSecret())
			require.NoError(t, err)
			want = append(want, id)
		}
		for w, err := range client.AllWebhooks(t.Context(), postpress.ListOptions{Limit: 2}) {
			require.NoError(t, err)
			got = append(got, w.ID)
		}
		assert.Equal(t, want, got)
		srv.Close()
	}
}

func TestDeleteWebhook(t *testing.T) {
	api := newMockAPI(t)
	api.answer("DELETE", "/webhooks/whk_1%3F", reply(200, `{"object":"WebhookDeleted"}`))
	require.NoError(t, api.client.DeleteWebhook(t.Context(), "whk_1?"))
	api.answer("DELETE", "/webhooks/gone", reply(404, `{"status":404,"type":"errors/resource_not_found"}`))
	err := api.client.DeleteWebhook(t.Context(), "gone")
	require.ErrorIs(t, err, postpress.ErrNotFound)
	var apiErr *postpress.APIError
	require.ErrorAs(t, err, &apiErr)
	assert.Equal(t, "/webhooks/{id}", apiErr.PathTemplate)
	for _, id := range []string{"", "..", "a/b"} {
		requireArgumentError(t, api.client.DeleteWebhook(t.Context(), id), "id")
	}
}

func TestGenerateWebhookSecret(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := postpress.GenerateWebhookSecret()
		assert.GreaterOrEqual(t, len(s), 26, "128 bits and more in base32")
		assert.Regexp(t, `^[A-Z2-7]+$`, s)
		assert.False(t, seen[s])
		seen[s] = true
	}
	_, err := postpress.NewWebhookHandler(postpress.WebhookConfig{Secrets: []string{postpress.GenerateWebhookSecret()}})
	require.NoError(t, err)
}

// What the endpoints are created with is what the handler accepts.
func TestWebhookFromEndToEnd(t *testing.T) {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client()
	secret := postpress.GenerateWebhookSecret()
	_, err := client.CreateAccountStatusWebhook(t.Context(), hookURL, secret)
	require.NoError(t, err)
	told := new(hookTold)
	url := hookServer(t, newHook(t, told, func(c *postpress.WebhookConfig) { c.Secrets = []string{secret} }))
	page, err := client.ListWebhooks(t.Context(), postpress.ListOptions{})
	require.NoError(t, err)
	var header []string
	for _, h := range page.Webhooks[0].Headers {
		header = append(header, h.Key, string(h.Value))
	}
	assert.Equal(t, http.StatusOK, hookPost(t, url, hookJSON, header...).StatusCode)
	assert.Equal(t, []string{"acc_1"}, told.published)
}
