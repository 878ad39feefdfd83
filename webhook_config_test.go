package postpress_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/statusbus"
)

func TestNewWebhookHandlerRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		field  string
		change func(*postpress.WebhookConfig)
	}{
		"no secrets":          {"Secrets", func(c *postpress.WebhookConfig) { c.Secrets = nil }},
		"empty list":          {"Secrets", func(c *postpress.WebhookConfig) { c.Secrets = []string{} }},
		"empty secret":        {"Secrets[0]", func(c *postpress.WebhookConfig) { c.Secrets = []string{""} }},
		"short secret":        {"Secrets[0]", func(c *postpress.WebhookConfig) { c.Secrets = []string{"123456789012345"} }},
		"short second secret": {"Secrets[1]", func(c *postpress.WebhookConfig) { c.Secrets = []string{hookSecret, "x"} }},
		"line break":          {"Secrets[0]", func(c *postpress.WebhookConfig) { c.Secrets = []string{hookSecret + "\n"} }},
		"space around":        {"Secrets[0]", func(c *postpress.WebhookConfig) { c.Secrets = []string{hookSecret + " "} }},
		"not ASCII":           {"Secrets[0]", func(c *postpress.WebhookConfig) { c.Secrets = []string{hookSecret + "é"} }},
		"nil pointer as bus":  {"Bus", func(c *postpress.WebhookConfig) { c.Bus = (*statusbus.Hub)(nil) }},
		"no header name":      {"Header", func(c *postpress.WebhookConfig) { c.Header = "Postpress Auth" }},
		"taken header":        {"Header", func(c *postpress.WebhookConfig) { c.Header = "content-type" }},
		"host":                {"Header", func(c *postpress.WebhookConfig) { c.Header = "host" }},
		"no client": {"Client", func(c *postpress.WebhookConfig) {
			c.OnChange = func(context.Context, *postpress.Account) error { return nil }
		}},
		"body":     {"MaxBodyBytes", func(c *postpress.WebhookConfig) { c.MaxBodyBytes = -1 }},
		"flight":   {"MaxInFlight", func(c *postpress.WebhookConfig) { c.MaxInFlight = -1 }},
		"read":     {"ReadTimeout", func(c *postpress.WebhookConfig) { c.ReadTimeout = -1 }},
		"callback": {"CallbackTimeout", func(c *postpress.WebhookConfig) { c.CallbackTimeout = -1 }},
		"no name":  {"Data", func(c *postpress.WebhookConfig) { c.Data = []postpress.WebhookField{{Key: "message"}} }},
		"no key":   {"Data", func(c *postpress.WebhookConfig) { c.Data = []postpress.WebhookField{{Name: "message"}} }},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := postpress.WebhookConfig{Secrets: []string{hookSecret}}
			row.change(&cfg)
			h, err := postpress.NewWebhookHandler(cfg)
			assert.Nil(t, h)
			var bad *postpress.ArgumentError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, row.field, bad.Field)
			assert.NotContains(t, err.Error(), hookSecret)
		})
	}
}

// A record tells kind, size, code, duration and what went wrong, and nothing of what came.
func TestWebhookHandlerLog(t *testing.T) {
	const hidden = "hidden-0123456789"
	var b bytes.Buffer
	told := new(hookTold)
	h := newHook(t, told, func(c *postpress.WebhookConfig) {
		c.Logger = slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.OnEvent = func(_ context.Context, e *postpress.WebhookEvent) error {
			switch e.AccountID {
			case "error":
				return errors.New(string(e.Raw))
			case "panic":
				panic(string(e.Raw))
			case "bug":
				return []error{}[len(e.Raw)]
			}
			return nil
		}
	})
	send := func(method, body, secret string) string {
		b.Reset()
		r := httptest.NewRequest(method, "/"+hidden, strings.NewReader(body))
		r.Header.Set("Postpress-Auth", secret)
		r.Header.Set("X-Other", hidden)
		h.ServeHTTP(httptest.NewRecorder(), r)
		out := b.String()
		assert.NotContains(t, out, hidden)
		assert.NotContains(t, out, hookSecret)
		assert.Equal(t, 1, strings.Count(out, "\n"), out)
		assert.Contains(t, out, "duration=")
		return out
	}
	hosted := func(id string) string {
		return `{"status":"RECONNECTED","account_id":"` + id + `","name":"` + hidden + `"}`
	}
	assert.Regexp(t, `level=DEBUG msg="postpress: webhook" kind=hosted_auth size=\d+ code=200 `, send("POST", hosted("a"), hookSecret))
	assert.Regexp(t, `level=WARN .* size=0 code=401 `, send("POST", hosted("a"), hidden))
	assert.Regexp(t, `level=WARN .* code=405 `, send("PUT", hosted("a"), hidden))
	assert.Regexp(t, `level=WARN .* size=18 code=400 `, send("POST", "{"+hidden, hookSecret))
	assert.Regexp(t, `level=ERROR .* code=500 .*problem="OnEvent returned an error"`, send("POST", hosted("error"), hookSecret))
	out := send("POST", hosted("panic"), hookSecret)
	assert.Regexp(t, `level=ERROR .* code=500 .*problem="OnEvent panicked" error="panic: string\\n`, out)
	assert.Contains(t, out, "TestWebhookHandlerLog", "the stack")
	assert.Contains(t, send("POST", hosted("bug"), hookSecret), "panic: runtime error: index out of range [")
	told.busErr = errors.New("no broker")
	assert.Regexp(t, `level=WARN .* code=503 .*problem="publishing to the bus failed" error="no broker"`, send("POST", hosted("a"), hookSecret))
}
