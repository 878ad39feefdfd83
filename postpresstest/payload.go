package postpresstest

import (
	"encoding/json"
	"net/url"
	"strings"

	postpress "github.com/postpress-ai/postpress-go"
)

// statusEnvelope is where an account_status payload has its fields.
const statusEnvelope = "AccountStatus"

// payload is an object whose fields keep their order.
type payload []payloadField

type payloadField struct{ name, value string }

func statusPayload(c change) payload {
	p := payload{
		{"account_id", c.accountID}, {"account_type", string(c.provider)}, {"message", string(c.message)},
	}
	if c.message == postpress.StatusCredentials {
		p = append(p, payloadField{"reason", "Disconnected"})
	}
	return p
}

// body encodes an account change as the webhook asks for it.
func (b *webhookBody) body(c change, form WebhookForm) []byte {
	p := statusPayload(c)
	for i := range p {
		p[i].name = b.nameOf(p[i].name)
	}
	outer := b.nameOf(statusEnvelope)
	if b.Format == "form" {
		return p.form(outer, form)
	}
	return []byte("{" + quote(outer) + ":" + p.json() + "}")
}

// nameOf is what a documented field is called in the payloads of this webhook.
func (b *webhookBody) nameOf(key string) string {
	for _, d := range b.Data {
		if d.Name != "" && strings.TrimPrefix(d.Key, statusEnvelope+".") == key {
			return d.Name
		}
	}
	return key
}

func (p payload) json() string {
	pairs := make([]string, len(p))
	for i, f := range p {
		pairs[i] = quote(f.name) + ":" + quote(f.value)
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

func (p payload) form(outer string, spelling WebhookForm) []byte {
	if spelling == FormJSON {
		return []byte(url.QueryEscape(outer) + "=" + url.QueryEscape(p.json()))
	}
	pairs := make([]string, len(p))
	for i, f := range p {
		name := outer + "[" + f.name + "]"
		if spelling == FormDots {
			name = outer + "." + f.name
		}
		pairs[i] = url.QueryEscape(name) + "=" + url.QueryEscape(f.value)
	}
	return []byte(strings.Join(pairs, "&"))
}

func quote(text string) string {
	b, _ := json.Marshal(text) // of a string, it cannot fail
	return string(b)
}
