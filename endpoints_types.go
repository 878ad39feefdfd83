package postpress

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
)

// WebhookSource is what a webhook is about, as the API spells it.
type WebhookSource string

// The sources documented by the API. A WebhookHandler reads account_status;
// events of the others reach OnEvent as WebhookOther.
const (
	WebhookSourceAccountStatus WebhookSource = "account_status"
	WebhookSourceMessaging     WebhookSource = "messaging"
	WebhookSourceUsers         WebhookSource = "users"
	WebhookSourceEmail         WebhookSource = "email"
	WebhookSourceEmailTracking WebhookSource = "email_tracking"
	WebhookSourceCalendarEvent WebhookSource = "calendar_event"
)

// WebhookFormat is the encoding of the bodies of a webhook. ParseWebhook reads both.
type WebhookFormat string

// The formats documented by the API.
const (
	WebhookFormatJSON WebhookFormat = "json"
	WebhookFormatForm WebhookFormat = "form"
)

// WebhookHeader is a header that the API sends with every event.
type WebhookHeader struct {
	// Key is the name of the header.
	Key string `json:"key"`
	// Value is often a secret, the only thing that authenticates the sender.
	Value Secret `json:"value"`
}

// Format implements fmt.Formatter: the key, whatever the verb.
func (h WebhookHeader) Format(f fmt.State, _ rune) { h.safe().format(f, "WebhookHeader") }

// LogValue implements slog.LogValuer.
func (h WebhookHeader) LogValue() slog.Value { return h.safe().logValue() }

func (h WebhookHeader) safe() fields { return fields{slog.String("Key", h.Key)} }

// WebhookRequest asks for a webhook. Source and RequestURL are required.
type WebhookRequest struct {
	// Source is what it is about.
	Source WebhookSource `json:"source"`
	// RequestURL receives the events, each as a POST. A redirect is a failure to the API.
	RequestURL string `json:"request_url"`
	// Name is for you.
	Name string `json:"name,omitempty"`
	// BodyFormat is the encoding of the bodies; empty means the API's default.
	BodyFormat WebhookFormat `json:"format,omitempty"`
	// Disabled creates it without sending anything yet.
	Disabled bool `json:"-"`
	// AccountIDs limits it to some accounts; empty means all.
	AccountIDs []string `json:"account_ids,omitempty"`
	// Events limits it to some events. Those of account_status are
	// creation_success, creation_fail, deleted, reconnected, sync_success, stopped, ok,
	// connecting, error, credentials and permissions.
	Events []string `json:"events,omitempty"`
	// Headers are sent with every event. Without one of your own nothing tells the
	// events from forged ones, and there is no Content-Type unless it is listed here.
	Headers []WebhookHeader `json:"headers,omitempty"`
	// Data renames fields of the payload; pass the same to WithWebhookData or
	// WebhookConfig.Data. Empty means the documented names.
	Data []WebhookField `json:"data,omitempty"`
}

// MarshalJSON implements json.Marshaler: the body of the request.
func (r WebhookRequest) MarshalJSON() ([]byte, error) {
	type plain WebhookRequest // without its methods
	return json.Marshal(struct {
		plain
		Enabled bool `json:"enabled"`
	}{plain(r), !r.Disabled})
}

// Format implements fmt.Formatter: source and name, whatever the verb.
func (r WebhookRequest) Format(f fmt.State, _ rune) { r.safe().format(f, "WebhookRequest") }

// LogValue implements slog.LogValuer.
func (r WebhookRequest) LogValue() slog.Value { return r.safe().logValue() }

func (r WebhookRequest) safe() fields {
	return fields{slog.String("Source", string(r.Source)), slog.String("Name", r.Name)}
}

func (r WebhookRequest) validate() error {
	if r.Source == "" {
		return &ArgumentError{"Source", "must be set, to account_status for instance"}
	}
	if _, err := parseWebhookURL("RequestURL", r.RequestURL); err != nil {
		return err
	}
	for _, id := range r.AccountIDs {
		if err := checkID("AccountIDs", id); err != nil {
			return err
		}
	}
	for _, h := range r.Headers {
		if !isToken(h.Key) || !printable(string(h.Value)) {
			return &ArgumentError{"Headers", "must be header names, with values in printable ASCII"}
		}
	}
	return checkWebhookData(r.Data)
}

func parseWebhookURL(field, s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return nil, &ArgumentError{field, "must be an absolute URL, such as https://example.com/postpress"}
	case u.User != nil || u.Fragment != "":
		return nil, &ArgumentError{field, "must not hold a user, a password or a #fragment"}
	}
	return u, nil
}

// Webhook is a webhook as the API lists it. Fields that the API leaves out, or
// sends in another form than documented, are zero; Raw has them all. Printing one
// shows its id and whether it is enabled only.
type Webhook struct {
	// ID is what DeleteWebhook takes.
	ID string
	// Type is AUTO or TRIGGER (documented by the API, without their meaning).
	Type string
	// Name is the one it was created with.
	Name string
	// Enabled tells whether it sends; true where the API does not say.
	Enabled bool
	// RequestURL receives the events.
	RequestURL string
	// BodyFormat is the encoding of the bodies.
	BodyFormat WebhookFormat
	// Accounts are those it is limited to; empty means all.
	Accounts []WebhookAccount
	// Headers are sent with every event. Whether the API masks their values is not documented.
	Headers []WebhookHeader
	// Data names the fields of the payload.
	Data []WebhookField
	// Events are those it is limited to.
	Events []string
	// Raw is the JSON it was read from. Treat it as secret and read-only.
	Raw json.RawMessage
}

// WebhookAccount is an account that a webhook is limited to.
type WebhookAccount struct {
	// ID addresses the account.
	ID string `json:"id"`
	// Name is the API's display name; for WhatsApp it may be a phone number.
	Name string `json:"name"`
	// Provider is the account's network.
	Provider Provider `json:"type"`
}

// Format implements fmt.Formatter: id and provider, whatever the verb.
func (a WebhookAccount) Format(f fmt.State, _ rune) { a.safe().format(f, "WebhookAccount") }

// LogValue implements slog.LogValuer.
func (a WebhookAccount) LogValue() slog.Value { return a.safe().logValue() }

func (a WebhookAccount) safe() fields {
	return fields{slog.String("ID", a.ID), slog.String("Provider", string(a.Provider))}
}

// UnmarshalJSON implements json.Unmarshaler. It fails only where data is not a
// JSON object; as usual, null changes nothing.
func (w *Webhook) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var wire struct {
		ID         json.RawMessage   `json:"id"`
		Type       string            `json:"type"`
		Name       string            `json:"name"`
		Enabled    bool              `json:"enabled"`
		RequestURL string            `json:"request_url"`
		BodyFormat WebhookFormat     `json:"format"`
		Accounts   []json.RawMessage `json:"account_ids"`
		Headers    []WebhookHeader   `json:"headers"`
		Data       []WebhookField    `json:"data"`
		Events     []string          `json:"events"`
	}
	wire.Enabled = true
	if err := unmarshal(data, &wire); err != nil {
		return err
	}
	*w = Webhook{
		ID: text(wire.ID), Type: wire.Type, Name: wire.Name, Enabled: wire.Enabled, RequestURL: wire.RequestURL,
		BodyFormat: wire.BodyFormat, Headers: wire.Headers, Data: wire.Data, Events: wire.Events,
		Raw: append(json.RawMessage(nil), data...),
	}
	for _, raw := range wire.Accounts {
		a := WebhookAccount{ID: text(raw)} // a bare id, as in WebhookRequest
		_ = unmarshal(raw, &a)
		w.Accounts = append(w.Accounts, a)
	}
	return nil
}

// Format implements fmt.Formatter: id and whether it is enabled, whatever the verb.
func (w Webhook) Format(f fmt.State, _ rune) { w.safe().format(f, "Webhook") }

// LogValue implements slog.LogValuer.
func (w Webhook) LogValue() slog.Value { return w.safe().logValue() }

func (w Webhook) safe() fields {
	return fields{slog.String("ID", w.ID), slog.Bool("Enabled", w.Enabled)}
}

// WebhookPage is one page of a list of webhooks.
type WebhookPage struct {
	// Webhooks are in the order of the API.
	Webhooks []*Webhook
	// NextCursor gets the next page; empty on the last one.
	NextCursor string
	// Raw is the JSON the page was read from. Treat it as secret and read-only.
	Raw json.RawMessage
}

// Format implements fmt.Formatter: how many webhooks, and whether more follow.
func (p WebhookPage) Format(f fmt.State, _ rune) { p.safe().format(f, "WebhookPage") }

// LogValue implements slog.LogValuer.
func (p WebhookPage) LogValue() slog.Value { return p.safe().logValue() }

func (p WebhookPage) safe() fields {
	return fields{slog.Int("Webhooks", len(p.Webhooks)), slog.Bool("More", p.NextCursor != "")}
}

func (p *WebhookPage) decode(body []byte) error {
	items, next, err := decodeList[*Webhook](body)
	if err != nil {
		return err
	}
	*p = WebhookPage{Webhooks: items, NextCursor: next, Raw: body}
	return nil
}
