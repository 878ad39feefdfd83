package postpress

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// statusEnvelope is where an account_status payload has its fields.
const statusEnvelope = "AccountStatus"

// webhookParser reads payloads. The zero value knows the documented names only.
type webhookParser struct {
	renamed map[string]string // documented name to the one in the payload
	taken   map[string]string // the same the other way round
}

func (p *webhookParser) rename(d WebhookField) {
	if d.Name == "" || d.Key == "" {
		return
	}
	if p.renamed == nil {
		p.renamed, p.taken = map[string]string{}, map[string]string{}
	}
	key := strings.TrimPrefix(d.Key, statusEnvelope+".")
	p.renamed[key], p.taken[d.Name] = d.Name, key
}

// webhookPayload is an object of a webhook body, whatever the body was encoded as.
type webhookPayload map[string]json.RawMessage

// parse reads a body, and keeps it.
func (p *webhookParser) parse(body []byte) (*WebhookEvent, error) {
	e := &WebhookEvent{Kind: WebhookOther, Raw: body}
	o, problem := p.open(body)
	if problem != "" {
		return nil, &WebhookSyntaxError{len(body), problem}
	}
	p.read(e, o)
	return e, nil
}

// open finds the object in a body. One that is JSON but no object has none, and
// no problem either: it is somebody else's.
func (p *webhookParser) open(body []byte) (o webhookPayload, problem string) {
	inner := peel(body)
	if o := object(inner); o != nil || json.Valid(inner) {
		return o, ""
	}
	for _, b := range [][]byte{inner, trim(body)} {
		if o := p.form(b); o != nil {
			return o, ""
		}
	}
	switch {
	case json.Valid(trim(body)): // a string of anything
		return nil, ""
	case len(inner) == 0:
		return nil, "is empty"
	case inner[0] == '{' || inner[0] == '[' || inner[0] == '"':
		return nil, "is broken JSON"
	}
	return nil, "is neither JSON nor a form"
}

func object(data []byte) webhookPayload {
	var o webhookPayload
	if unmarshal(data, &o) != nil {
		return nil
	}
	return o
}

// maxWraps is how often a payload may be encoded once more than it has to be.
const maxWraps = 4

// peel undoes what is found around a payload: white space, a byte order mark,
// a JSON string with the JSON in it, percent-encoding.
func peel(b []byte) []byte {
	for range maxWraps {
		b = trim(b)
		var inner string
		var err error
		switch {
		case len(b) > 0 && b[0] == '"':
			err = json.Unmarshal(b, &inner)
		case percentEncoded(b):
			inner, err = url.QueryUnescape(strings.TrimSuffix(string(b), "="))
		default:
			return b
		}
		if err != nil {
			return b
		}
		b = []byte(inner)
	}
	return trim(b)
}

// percentEncoded tells JSON that some form encoder has taken for a text.
func percentEncoded(b []byte) bool {
	start := strings.ToUpper(string(b[:min(len(b), 3)]))
	return start == "%7B" || start == "%22"
}

func trim(b []byte) []byte {
	return bytes.TrimFunc(b, func(r rune) bool { return unicode.IsSpace(r) || r == '\uFEFF' })
}

// form reads name=value pairs as the object they would be in JSON. The fields of the
// envelope come as AccountStatus[x], AccountStatus.x, or AccountStatus={json}.
// It is nil where the body is no form: almost any text would be one, so
// anything but text with names in it is refused.
func (p *webhookParser) form(b []byte) webhookPayload {
	if !bytes.ContainsRune(b, '=') || bytes.IndexByte([]byte(`{["<=&`), b[0]) >= 0 || !plainText(b) {
		return nil
	}
	o, inner := webhookPayload{}, webhookPayload{}
	for pair := range strings.SplitSeq(string(b), "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return nil
		}
		raw, _ := json.Marshal(value) // of a string, it cannot fail
		if field, ok := p.enveloped(name); ok {
			inner[field] = raw
		} else {
			o[name] = raw
		}
	}
	if len(inner) > 0 {
		o[statusEnvelope], _ = json.Marshal(inner)
	}
	return o
}

func plainText(b []byte) bool {
	return utf8.Valid(b) && bytes.IndexFunc(b, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) < 0
}

// enveloped takes a name such as AccountStatus[account_id] apart.
func (p *webhookParser) enveloped(name string) (field string, ok bool) {
	for _, outer := range []string{statusEnvelope, p.renamed[statusEnvelope]} {
		rest, ok := strings.CutPrefix(name, outer)
		switch {
		case !ok || outer == "" || len(rest) < 2:
		case rest[0] == '.':
			return rest[1:], true
		case rest[0] == '[' && strings.HasSuffix(rest, "]"):
			return rest[1 : len(rest)-1], true
		}
	}
	return "", false
}

// read fills the event from the payload.
func (p *webhookParser) read(e *WebhookEvent, o webhookPayload) {
	e.AccountID = p.text(o, "account_id")
	status := Status(p.text(o, "status"))
	_, foreign := o["event"] // all sources but ours have it
	switch raw, ok := p.find(o, statusEnvelope); {
	case ok:
		p.readStatus(e, object(peel(raw)))
	case foreign:
	case p.renamed != nil && e.AccountID != "" && p.text(o, "message") != "":
		p.readStatus(e, o)
	case status != "" && (e.AccountID != "" || status.severity() != unknown):
		e.Kind, e.Status = WebhookHostedAuth, status
		e.Provider, e.Reason, e.Name = Provider(p.text(o, "account_type")), p.text(o, "reason"), p.text(o, "name")
	}
}

func (p *webhookParser) readStatus(e *WebhookEvent, o webhookPayload) {
	e.Kind = WebhookAccountStatus
	e.AccountID = p.text(o, "account_id")
	e.Provider, e.Status, e.Reason = Provider(p.text(o, "account_type")), Status(p.text(o, "message")), p.text(o, "reason")
}

func (p *webhookParser) text(o webhookPayload, field string) string {
	raw, _ := p.find(o, field)
	return text(raw)
}

// find looks for a field under the name it was given, then under its own unless
// that stands for another field.
func (p *webhookParser) find(o webhookPayload, field string) (json.RawMessage, bool) {
	if name, ok := p.renamed[field]; ok {
		if raw, ok := o[name]; ok {
			return raw, true
		}
	}
	if other, ok := p.taken[field]; ok && other != field {
		return nil, false
	}
	raw, ok := o[field]
	return raw, ok
}
