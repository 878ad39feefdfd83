package postpress_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func TestEnsureAccountStatusWebhookOnTheDouble(t *testing.T) {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client()
	count := func() (n int) {
		for _, err := range client.AllWebhooks(t.Context(), postpress.ListOptions{Limit: 1}) {
			require.NoError(t, err)
			n++
		}
		return n
	}
	first, err := client.EnsureAccountStatusWebhook(t.Context(), hookURL, hookSecret)
	require.NoError(t, err)
	for range 3 {
		again, err := client.EnsureAccountStatusWebhook(t.Context(), hookURL, hookSecret)
		require.NoError(t, err)
		assert.Equal(t, first, again)
	}
	assert.Equal(t, 1, count())

	id, err := client.EnsureAccountStatusWebhook(t.Context(), hookURL, hookOld)
	require.ErrorIs(t, err, postpress.ErrWebhookSecret)
	assert.Equal(t, first, id)
	assert.NotContains(t, err.Error(), hookSecret)
	assert.NotContains(t, err.Error(), hookOld)
	assert.Equal(t, 1, count())

	// Rotation: a second one with the new secret, then the old one goes.
	second, err := client.CreateAccountStatusWebhook(t.Context(), hookURL, hookOld)
	require.NoError(t, err)
	for secret, want := range map[string]string{hookSecret: first, hookOld: second} {
		id, err := client.EnsureAccountStatusWebhook(t.Context(), hookURL, secret)
		require.NoError(t, err)
		assert.Equal(t, want, id)
	}
	require.NoError(t, client.DeleteWebhook(t.Context(), first))
	id, err = client.EnsureAccountStatusWebhook(t.Context(), hookURL+"/2", hookOld)
	require.NoError(t, err)
	assert.NotEqual(t, second, id)
	assert.Equal(t, 2, count())
}

// hookListed is a webhook as EnsureAccountStatusWebhook would create it, changed.
func hookListed(t *testing.T, change map[string]any) string {
	t.Helper()
	w := map[string]any{
		"object": "Webhook", "id": "whk_0", "type": "AUTO", "enabled": true, "request_url": hookURL, "format": "json", "account_ids": []any{},
		"events":  strings.Fields("permissions ok connecting error credentials creation_success creation_fail deleted reconnected sync_success stopped"),
		"headers": []any{map[string]string{"key": "Postpress-Auth", "value": hookSecret}}, "data": []any{},
	}
	for k, v := range change {
		w[k] = v
	}
	b, err := json.Marshal(map[string]any{"object": "WebhookList", "items": []any{w}, "cursor": nil})
	require.NoError(t, err)
	return string(b)
}

func TestEnsureAccountStatusWebhookKnowsItsOwn(t *testing.T) {
	type m = map[string]any
	header := func(value string) m { return m{"headers": []any{m{"key": "postpress-auth", "value": value}}} }
	for name, row := range map[string]struct {
		url    string
		change m
		want   string // "" is the error about the secret
	}{
		"the same":               {hookURL, nil, "whk_0"},
		"host in lower case":     {"https://EXAMPLE.com/postpress", nil, "whk_0"},
		"slash for no path":      {"https://example.com", m{"request_url": "https://example.com/"}, "whk_0"},
		"events in upper case":   {hookURL, m{"events": strings.Fields(strings.ToUpper("creation_success creation_fail deleted reconnected sync_success stopped ok connecting error credentials permissions"))}, "whk_0"},
		"more events":            {hookURL, m{"events": strings.Fields("new creation_success creation_fail deleted reconnected sync_success stopped ok connecting error credentials permissions")}, "whk_0"},
		"says not if enabled":    {hookURL, m{"enabled": nil}, "whk_0"},
		"names that rename none": {hookURL, m{"data": []any{m{"name": "account_id", "key": "account_id"}}}, "whk_0"},
		"secret not listed":      {hookURL, m{"headers": []any{}}, "whk_0"},
		"secret masked":          {hookURL, header("********************"), "whk_0"},
		"secret shortened":       {hookURL, header("a secret…"), "whk_0"},
		"another secret":         {hookURL, header("another secret of the tests"), ""},

		"another URL":       {hookURL, m{"request_url": hookURL + "/"}, "whk_1"},
		"another query":     {hookURL, m{"request_url": hookURL + "?a"}, "whk_1"},
		"no URL":            {hookURL, m{"request_url": "%"}, "whk_1"},
		"fewer events":      {hookURL, m{"events": []string{"ok", "credentials"}}, "whk_1"},
		"no events":         {hookURL, m{"events": nil}, "whk_1"},
		"disabled":          {hookURL, m{"enabled": false}, "whk_1"},
		"some accounts":     {hookURL, m{"account_ids": []any{m{"id": "acc_1"}}}, "whk_1"},
		"some bare ids":     {hookURL, m{"account_ids": []any{"acc_1"}}, "whk_1"},
		"renamed fields":    {hookURL, m{"data": []any{m{"name": "id", "key": "account_id"}}}, "whk_1"},
		"of another source": {hookURL, m{"events": []string{"message_received"}}, "whk_1"},
	} {
		t.Run(name, func(t *testing.T) {
			api := newMockAPI(t)
			api.answer("GET", "/webhooks", reply(200, hookListed(t, row.change)))
			api.answer("POST", "/webhooks", reply(201, hookCreated))
			id, err := api.client.EnsureAccountStatusWebhook(t.Context(), row.url, hookSecret)
			if row.want == "" {
				require.ErrorIs(t, err, postpress.ErrWebhookSecret)
				assert.Equal(t, "whk_0", id)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, id)
		})
	}
}

// Where the list cannot be read to its end, nothing is created.
func TestEnsureAccountStatusWebhookWithoutAList(t *testing.T) {
	api := newMockAPI(t)
	api.answer("GET", "/webhooks", reply(200, `{"items":[],"cursor":"c"}`), reply(403, `{"type":"errors/insufficient_permissions"}`))
	_, err := api.client.EnsureAccountStatusWebhook(t.Context(), hookURL, hookSecret)
	require.ErrorIs(t, err, postpress.ErrForbidden)
	require.Len(t, api.sent, 2)
	assert.Equal(t, "limit=250", api.sent[0].Query)
	assert.Equal(t, "cursor=c&limit=250", api.sent[1].Query)
}
