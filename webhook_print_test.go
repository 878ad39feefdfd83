package postpress_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
)

// Nothing that prints a value of this room shows a secret, a name or a body.
func TestWebhookValuesPrintWithoutSecrets(t *testing.T) {
	const hidden = "do-not-print-0123456789"
	event := postpress.WebhookEvent{
		Kind: postpress.WebhookHostedAuth, AccountID: "acc_1\nforged", Name: hidden, Reason: hidden, Raw: []byte(hidden),
	}
	config := postpress.WebhookConfig{Secrets: []string{hidden}}
	handler, err := postpress.NewWebhookHandler(config)
	require.NoError(t, err)
	header := postpress.WebhookHeader{Key: "Postpress-Auth", Value: hidden}
	request := postpress.WebhookRequest{
		Source: "account_status", RequestURL: "https://x.test/?" + hidden, Headers: []postpress.WebhookHeader{header},
	}
	account := postpress.WebhookAccount{ID: "acc_1", Name: hidden}
	webhook := postpress.Webhook{
		ID: "whk_1", RequestURL: hidden, Headers: request.Headers, Raw: []byte(hidden), Accounts: []postpress.WebhookAccount{account},
	}
	page := postpress.WebhookPage{Webhooks: []*postpress.Webhook{&webhook}, NextCursor: hidden, Raw: []byte(hidden)}
	for _, v := range []any{
		event, &event, config, &config, handler, header, &header, request, &request, webhook, &webhook, account, &account, page, &page,
	} {
		var b bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&b, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "v", v)
		assert.NotContains(t, b.String(), hidden, "%T", v)
		assert.NotContains(t, b.String(), fmt.Sprintf("%x", hidden), "%T", v)
		assert.NotContains(t, b.String(), "acc_1\nforged", "%T", v)
	}
	assert.Equal(t, `{"Header":"","Secrets":1}`, slogJSON(t, config))
	assert.Equal(t, "WebhookEvent{Kind:hosted_auth AccountID:acc_1 forged Provider: Status:}", fmt.Sprint(event))
	assert.Equal(t, "WebhookConfig{Header: Secrets:1}", fmt.Sprint(config))
	assert.Equal(t, "postpress.WebhookHandler(Postpress-Auth)", fmt.Sprint(handler))
	assert.Equal(t, "postpress.WebhookHandler(nil)", fmt.Sprint((*postpress.WebhookHandler)(nil)))
	assert.Equal(t, "WebhookPage{Webhooks:1 More:true}", fmt.Sprint(page))
}

// slogJSON is what slog's JSON handler makes of a value.
func slogJSON(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "v", v)
	var record struct{ V json.RawMessage }
	require.NoError(t, json.Unmarshal(b.Bytes(), &record))
	return string(record.V)
}
