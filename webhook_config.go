package postpress

import (
	"context"
	"fmt"
	"log/slog"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// DefaultWebhookHeader is the header that carries the secret of a webhook,
// unless WebhookConfig.Header says otherwise. CreateAccountStatusWebhook sets it.
const DefaultWebhookHeader = "Postpress-Auth"

const (
	minWebhookSecret       = 16
	defaultWebhookBody     = 1 << 20
	defaultWebhookInFlight = 512
	defaultWebhookRead     = 5 * time.Second
	defaultWebhookCallback = 20 * time.Second
)

// WebhookConfig says what a WebhookHandler accepts and who is told. Only
// Secrets is required. Who is told, in this order: Bus, OnEvent, OnChange; what
// is nil is left out. Printing a config shows neither secrets nor functions.
type WebhookConfig struct {
	// Secrets are accepted as the value of Header, each of at least 16 bytes; see
	// GenerateWebhookSecret. To rotate, accept the new and the old one, create a
	// webhook with the new one, delete the old webhook, drop the old secret.
	Secrets []string
	// Header carries the secret. Default DefaultWebhookHeader, Postpress-Auth.
	Header string

	// Bus is hinted at each account that may have changed, on all replicas; see
	// package statusbus.
	Bus statusbus.Bus
	// OnEvent is called with every event as it came, foreign ones (WebhookOther)
	// included: a hint, perhaps a repeated or late one. After an error, the API
	// sends the event again.
	OnEvent func(ctx context.Context, e *WebhookEvent) error
	// OnChange is called with the account as Client has read it, after the events
	// about it: repeated, late and reordered events do no harm. An event is followed
	// by a read at once; where they come often, several share one, 0.1 s after the one
	// before, then 0.2 s, and so on up to 2 s. Until then they are not answered.
	//
	// It is also called where nothing has changed, since another replica may have
	// been told of the state between: make it idempotent. An account that can no longer be
	// read after the event said DELETED or CREATION_FAIL has that Status, its ID, and no
	// Raw. One that is not found otherwise is no reason to call it, and answered 503:
	// a new one may not be readable yet. After an error, the API sends the event again. Calls for one account
	// never overlap in one process while OnChange returns when its ctx ends.
	OnChange func(ctx context.Context, a *Account) error
	// Client reads the accounts for OnChange, which needs it.
	Client *Client

	// MaxBodyBytes bounds a body; a larger one is answered 413. Default 1 MiB.
	MaxBodyBytes int64
	// MaxInFlight bounds the authenticated requests under way, each with a body in
	// memory, those that wait for a read for OnChange included; further ones
	// are answered 503. Default 512.
	MaxInFlight int
	// ReadTimeout bounds the arrival of a body. Default 5 s.
	ReadTimeout time.Duration
	// CallbackTimeout bounds everything from the body to the answer: publishing,
	// reading, OnEvent and OnChange, whose ctx ends then. The API waits 30 s for
	// an answer, ReadTimeout included. Default 20 s.
	CallbackTimeout time.Duration
	// Data is what WebhookRequest.Data was, where fields were renamed.
	Data []WebhookField
	// Logger gets a record per request: kind, size, code, duration and what went
	// wrong, at debug level where nothing did. Bodies, header values, names and ids are not
	// logged, nor the errors of OnEvent and OnChange, which may quote them. Nil is silent.
	Logger *slog.Logger
}

// Format implements fmt.Formatter: the header and the number of secrets, whatever the verb.
func (c WebhookConfig) Format(f fmt.State, _ rune) { c.safe().format(f, "WebhookConfig") }

// LogValue implements slog.LogValuer.
func (c WebhookConfig) LogValue() slog.Value { return c.safe().logValue() }

func (c WebhookConfig) safe() fields {
	return fields{slog.String("Header", c.Header), slog.Int("Secrets", len(c.Secrets))}
}

func (c WebhookConfig) withDefaults() WebhookConfig {
	c.Header = textproto.CanonicalMIMEHeaderKey(orDefault(c.Header, DefaultWebhookHeader))
	c.MaxBodyBytes = orDefault(c.MaxBodyBytes, defaultWebhookBody)
	c.MaxInFlight = orDefault(c.MaxInFlight, defaultWebhookInFlight)
	c.ReadTimeout = orDefault(c.ReadTimeout, defaultWebhookRead)
	c.CallbackTimeout = orDefault(c.CallbackTimeout, defaultWebhookCallback)
	c.Logger = orDefault(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

// framing are headers that net/http takes for itself or that every request has.
var framing = []string{"Host", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding", "Trailer", "Upgrade"}

// validate checks a config that has its defaults.
func (c WebhookConfig) validate() error {
	if len(c.Secrets) == 0 {
		return &ArgumentError{"Secrets", "must hold at least one: without it, anybody could send events"}
	}
	for i, s := range c.Secrets {
		if err := checkWebhookSecret(fmt.Sprintf("Secrets[%d]", i), s); err != nil {
			return err
		}
	}
	switch {
	case !isToken(c.Header) || slices.Contains(framing, c.Header):
		return &ArgumentError{"Header", "must be the name of a header that is free for a secret, such as " + DefaultWebhookHeader}
	case c.OnChange != nil && c.Client == nil:
		return &ArgumentError{"Client", "must be set for OnChange, which is called with what it reads"}
	case isNilPointer(c.Bus):
		return &ArgumentError{"Bus", "must not hold a nil pointer; nil itself means none"}
	case c.MaxBodyBytes < 0:
		return &ArgumentError{"MaxBodyBytes", "must not be negative; 0 means the default"}
	case c.MaxInFlight < 0:
		return &ArgumentError{"MaxInFlight", "must not be negative; 0 means the default"}
	case c.ReadTimeout < 0:
		return &ArgumentError{"ReadTimeout", "must not be negative; 0 means the default"}
	case c.CallbackTimeout < 0:
		return &ArgumentError{"CallbackTimeout", "must not be negative; 0 means the default"}
	}
	return checkWebhookData(c.Data)
}

func checkWebhookSecret(field, secret string) error {
	switch {
	case len(secret) < minWebhookSecret:
		return &ArgumentError{field, fmt.Sprintf("must have at least %d bytes; GenerateWebhookSecret makes one", minWebhookSecret)}
	case !printable(secret) || strings.TrimSpace(secret) != secret:
		return &ArgumentError{field, "must be printable ASCII without spaces around it, since a header carries it"}
	}
	return nil
}

func checkWebhookData(data []WebhookField) error {
	for _, d := range data {
		if d.Name == "" || d.Key == "" {
			return &ArgumentError{"Data", "must have a Name and a Key in each field"}
		}
	}
	return nil
}
