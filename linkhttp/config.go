package linkhttp

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/postpress-ai/postpress-go"
)

// Config says who may link what. Client and Authorize are required. Printing it
// shows neither secrets nor functions.
type Config struct {
	// Client links the accounts. Required.
	Client *postpress.Client
	// Authorize tells which user of yours sends a request, by cookie, token or
	// whatever your login is. An error, or an empty id, is answered 401, or as the
	// *Problem it is. It is called for every request, once for a stream of events. Required.
	Authorize func(r *http.Request) (userID string, err error)
	// Request decides what is linked. It may read the request's headers and
	// context, look up whether the user owns in.AccountID, and set what no browser
	// may: ExpectPhoneNumber, Proxy, Country. An error is answered 403, or as
	// the *Problem it is. It must give the same for the same, or a double click starts two
	// attempts. Nil takes the phone number as given and refuses an account id.
	Request func(r *http.Request, userID string, in Start) (postpress.LinkRequest, error)
	// OnConnected is called when an attempt has linked an account, before the
	// browser is told: the place to save which account is whose. An error is
	// tried again twice, then the browser is told that it was not saved. After a crash
	// it may be called again, by another replica too.
	OnConnected func(ctx context.Context, userID string, account *postpress.Account) error
	// Options are for every attempt: postpress.WithLinkTimeout, postpress.WithLinkRefresh.
	Options []postpress.LinkOption

	// MaxPerUser bounds the attempts of a user under way at once; further ones are
	// answered 429. Those being cancelled count. Default 5. Like the other limits it counts in each replica.
	MaxPerUser int
	// MaxStarts bounds how often a user may start in ten minutes; 429. Default 20.
	MaxStarts int
	// MaxTotal bounds the attempts of all users under way at once; further ones are
	// answered 503. Default 1000.
	MaxTotal int
	// MaxViewers bounds the streams of one attempt; further ones are answered 429. Default 16.
	MaxViewers int
	// IdleTimeout is after how long without a viewer an attempt is cancelled. A
	// phone that shows the page ends the stream when its owner turns to WhatsApp:
	// leave time to return. Default 3 minutes.
	IdleTimeout time.Duration
	// Heartbeat is how often a silent stream gets a comment, so that nothing in
	// between takes it for dead. Default 15 seconds.
	Heartbeat time.Duration
	// WriteTimeout bounds each write of a stream; a viewer that is slower is dropped, and
	// may come back. Default 10 seconds.
	WriteTimeout time.Duration

	// Store shares attempts between replicas. Nil keeps them in this process.
	Store Store
	// Secret encrypts what is in Store: at least 32 random bytes, the same on all
	// replicas. Required with Store.
	Secret []byte
	// LeaseTime is after how long without a sign of life of the replica that runs
	// an attempt another one takes over. It is renewed four times as often. Default 10 seconds.
	LeaseTime time.Duration

	// TrustedOrigins are other origins whose pages may send requests, such as
	// https://app.example.com. They also need a CORS middleware of yours.
	TrustedOrigins []string
	// Logger gets what happens to attempts: account id, code, duration, and errors
	// of the client and the store; never a user, a phone number, a code, or what your
	// own functions return. Nil is silent.
	Logger *slog.Logger
}

// Start is what a browser asks for.
type Start struct {
	// PhoneNumber asks for a pairing code for this number instead of a QR code.
	PhoneNumber postpress.Secret `json:"phone_number"`
	// AccountID asks to link this account again. Whether the user may is for
	// Config.Request to decide: an id is no proof of anything.
	AccountID string `json:"account_id"`
}

// Format implements fmt.Formatter: the limits, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.safe()) }

// LogValue implements slog.LogValuer.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.safe()) }

func (c Config) safe() string {
	return fmt.Sprintf("linkhttp.Config{MaxPerUser:%d MaxTotal:%d}", c.MaxPerUser, c.MaxTotal)
}

const minSecret = 32

func (c Config) validate() error {
	wrong := func(field, problem string) error { return &postpress.ArgumentError{Field: field, Problem: problem} }
	switch {
	case c.Client == nil:
		return wrong("Client", "must be set")
	case c.Authorize == nil:
		return wrong("Authorize", "must be set: it says whose attempt it is")
	case c.Store != nil && len(c.Secret) < minSecret:
		return wrong("Secret", fmt.Sprintf("must have at least %d bytes where there is a Store", minSecret))
	}
	for field, n := range map[string]int{
		"MaxPerUser": c.MaxPerUser, "MaxStarts": c.MaxStarts, "MaxTotal": c.MaxTotal, "MaxViewers": c.MaxViewers,
	} {
		if n < 0 {
			return wrong(field, "must not be negative; 0 means the default")
		}
	}
	for field, d := range map[string]time.Duration{
		"IdleTimeout": c.IdleTimeout, "Heartbeat": c.Heartbeat, "WriteTimeout": c.WriteTimeout, "LeaseTime": c.LeaseTime,
	} {
		if d < 0 {
			return wrong(field, "must not be negative; 0 means the default")
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	def := func(n *int, otherwise int) {
		if *n == 0 {
			*n = otherwise
		}
	}
	wait := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	def(&c.MaxPerUser, 5)
	def(&c.MaxStarts, 20)
	def(&c.MaxTotal, 1000)
	def(&c.MaxViewers, 16)
	wait(&c.IdleTimeout, 3*time.Minute)
	wait(&c.Heartbeat, 15*time.Second)
	wait(&c.WriteTimeout, 10*time.Second)
	wait(&c.LeaseTime, 10*time.Second)
	if c.Request == nil {
		c.Request = onlyNewAccounts
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// onlyNewAccounts is what a browser may do where nothing else is said.
func onlyNewAccounts(_ *http.Request, _ string, in Start) (postpress.LinkRequest, error) {
	if in.AccountID != "" {
		return postpress.LinkRequest{}, problem(http.StatusForbidden, "forbidden")
	}
	return postpress.LinkRequest{PhoneNumber: in.PhoneNumber}, nil
}
