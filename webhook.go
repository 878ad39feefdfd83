package postpress

import (
	"bytes"
	"fmt"
	"log/slog"
)

// WebhookKind says what a webhook is about.
type WebhookKind string

// The kinds this package reads; everything else is WebhookOther.
const (
	WebhookAccountStatus WebhookKind = "account_status" // an account has changed its status
	WebhookHostedAuth    WebhookKind = "hosted_auth"    // the notification of a hosted link, see CreateHostedAuthLink
	WebhookOther         WebhookKind = "other"          // another source: a message, a mail, …
)

// WebhookEvent is what a webhook says. It is a hint, not a fact: the API signs,
// numbers and dates nothing, so an event may come twice, late and out of order.
// GetAccount tells what is true; WebhookConfig.OnChange does that for you.
//
// Fields that the payload lacks, or has in another form than documented, are
// empty; Raw has them all. Printing an event shows kind, account, provider and status only.
type WebhookEvent struct {
	// Kind tells which of the other fields mean something.
	Kind WebhookKind
	// AccountID is the account it is about, also for WebhookOther where it is told.
	// It is as it came: the calls of a Client refuse one that is no id.
	AccountID string
	// Provider is the account's network. The notification of a hosted link does not tell it.
	Provider Provider
	// Status is the one reported. Unknown ones pass through unchanged. Empty for WebhookOther.
	Status Status
	// Reason is a word about the status where the API adds one; it is not documented.
	Reason string
	// Name is what HostedAuthLinkRequest.Name was: your id of the person.
	Name string
	// Raw is the body as it came, JSON or a form. It may hold anything, such as the
	// text of a message: keep it out of logs. Parsing it again gives the same event.
	Raw []byte `json:"-"`
}

// Format implements fmt.Formatter: kind, account, provider and status, whatever the verb.
func (e WebhookEvent) Format(f fmt.State, _ rune) { e.safe().format(f, "WebhookEvent") }

// LogValue implements slog.LogValuer.
func (e WebhookEvent) LogValue() slog.Value { return e.safe().logValue() }

func (e WebhookEvent) safe() fields {
	return fields{
		slog.String("Kind", string(e.Kind)), slog.String("AccountID", e.AccountID),
		slog.String("Provider", string(e.Provider)), slog.String("Status", string(e.Status)),
	}
}

// ParseWebhook reads the body of a webhook, for programs that have an HTTP
// handler of their own; WebhookHandler does all of it. Authenticate the request first.
//
// The body alone decides, since the API sends no Content-Type unless told to:
// JSON or a form, also with a byte order mark or white space around, or encoded
// once more as a JSON string. What this package does not know is WebhookOther,
// and a known event with strange fields is still that event: answer all of them
// with 200, or the API sends them again. The error, a *WebhookSyntaxError, is
// for a body that is neither JSON nor a form.
func ParseWebhook(body []byte, opts ...WebhookOption) (*WebhookEvent, error) {
	var p webhookParser
	for _, opt := range opts {
		if opt != nil {
			opt(&p)
		}
	}
	return p.parse(bytes.Clone(body))
}

// WebhookOption changes how ParseWebhook reads a body.
type WebhookOption func(*webhookParser)

// WebhookField gives a field of the payload another name.
type WebhookField struct {
	// Name is what the field is called in your payloads.
	Name string `json:"name"`
	// Key is the documented name of the field: account_id, account_type,
	// message, reason; status and name in the notification of a hosted link.
	Key string `json:"key"`
}

// WithWebhookData reads payloads whose fields were renamed when the webhook was
// created: pass what WebhookRequest.Data was. Documented names are still read
// where they do not stand for another field. How the API arranges renamed
// fields is not documented: they are found inside AccountStatus and without it.
func WithWebhookData(data ...WebhookField) WebhookOption {
	return func(p *webhookParser) {
		for _, d := range data {
			p.rename(d)
		}
	}
}

// WebhookSyntaxError is the body of a webhook that is neither JSON nor a form.
// It is always used as a pointer. Its text never quotes the body.
type WebhookSyntaxError struct {
	// Size of the body in bytes.
	Size int
	// Problem is what is wrong with it.
	Problem string
}

// Error implements error.
func (e *WebhookSyntaxError) Error() string {
	return fmt.Sprintf("postpress: the webhook body (%d bytes) %s", e.Size, e.Problem)
}
