package postpress_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

// filledWebhooks are the types of webhooks for the table of the hygiene test.
func filledWebhooks(t *testing.T) map[string]any {
	t.Helper()
	config := postpress.WebhookConfig{Secrets: []string{hiddenQR}}
	handler, err := postpress.NewWebhookHandler(config)
	require.NoError(t, err)
	_, syntax := postpress.ParseWebhook([]byte(`{"AccountStatus":{"account_id":"` + hiddenQR))
	var syntaxErr *postpress.WebhookSyntaxError
	require.ErrorAs(t, syntax, &syntaxErr)
	header := postpress.WebhookHeader{Key: "Postpress-Auth", Value: hiddenPassword}
	request := postpress.WebhookRequest{Source: "account_status", RequestURL: "https://shop.example.com/" + hiddenCode, Headers: []postpress.WebhookHeader{header}}
	account := postpress.WebhookAccount{ID: "acc_1", Name: hiddenPhone}
	webhook := postpress.Webhook{ID: "whk_1", Headers: request.Headers, Accounts: []postpress.WebhookAccount{account}, Raw: []byte(hiddenQR)}
	return map[string]any{
		"WebhookEvent":       postpress.WebhookEvent{AccountID: "acc_1", Name: hiddenPhone, Reason: hiddenCode, Raw: []byte(hiddenQR)},
		"WebhookField":       postpress.WebhookField{},
		"WebhookSyntaxError": *syntaxErr,
		"WebhookConfig":      config,
		"WebhookHandler":     handler, // not to be copied
		"WebhookHeader":      header,
		"WebhookRequest":     request,
		"Webhook":            webhook,
		"WebhookAccount":     account,
		"WebhookPage":        postpress.WebhookPage{Webhooks: []*postpress.Webhook{&webhook}, NextCursor: hiddenCode, Raw: []byte(hiddenQR)},
	}
}
