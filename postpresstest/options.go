package postpresstest

import (
	"math/rand/v2"
	"time"
)

// An Option changes how a [Server] behaves. Options with a value out of range
// keep the default; a nil Option is ignored.
type Option func(*config)

type config struct {
	apiKey       string
	envelope     Envelope
	burst        int
	per          time.Duration
	pagination   Pagination
	intent       time.Duration
	hold         time.Duration
	connectDelay time.Duration
	autoScan     time.Duration
	seed         int64
	pairing      PairingForm
	legacyQR     bool
	qrFirst      time.Duration
	qrLater      time.Duration
	pairingValid time.Duration
	reissue      Reissue
	listPending  bool
	webhooks     webhookConfig
}

func newConfig(opts []Option) *config {
	c := &config{
		intent:       5 * time.Minute,
		hold:         -1,
		autoScan:     -1,
		seed:         rand.Int64(),
		qrFirst:      60 * time.Second,
		qrLater:      20 * time.Second,
		pairingValid: 160 * time.Second,
		webhooks:     defaultWebhooks(),
	}
	for _, o := range opts {
		if o != nil {
			o(c)
		}
	}
	return c
}

// WithAPIKey makes key the only one the double accepts; others are answered 401
// invalid_credentials. By default, and with "", any non-empty key will do.
func WithAPIKey(key string) Option { return func(c *config) { c.apiKey = key } }

// Envelope is one of the two documented forms of an error body.
type Envelope int

const (
	// EnvelopeProblem is {"status","type","title","detail","instance"}, the default.
	EnvelopeProblem Envelope = iota
	// EnvelopeError is {"error":{"code","message","request_id"}}.
	EnvelopeError
)

// WithEnvelope chooses the form of error bodies; the default is [EnvelopeProblem].
func WithEnvelope(e Envelope) Option { return func(c *config) { c.envelope = e } }

// WithRateLimit allows each API key burst requests, refilled evenly over per;
// beyond them the double answers 429 with a Retry-After in whole seconds, rounded
// up. By default, and with a burst or a per of 0 or less, nothing is limited.
func WithRateLimit(burst int, per time.Duration) Option {
	return func(c *config) {
		if burst > 0 && per > 0 {
			c.burst, c.per = burst, per
		}
	}
}

// Pagination is one of the two documented forms of a list.
type Pagination int

const (
	// PaginationReference is {"object":"AccountList","items","cursor"}, the default.
	PaginationReference Pagination = iota
	// PaginationQuickstart is {"data","next_cursor"}.
	PaginationQuickstart
)

// WithPagination chooses the form of lists; the default is [PaginationReference].
func WithPagination(p Pagination) Option { return func(c *config) { c.pagination = p } }

// WithIntentDuration sets how long an authentication intent lasts; the default,
// which the documentation gives, is 5 minutes. 0 and less keep it.
func WithIntentDuration(d time.Duration) Option {
	return func(c *config) {
		if d > 0 {
			c.intent = d
		}
	}
}

// WithHold sets the longest time that a get of a pending account is held open
// before it is answered 200 with the account as it stands. 0 answers at once. By
// default, and with a negative value, it is held until the account is connected
// or the intent ends.
func WithHold(longest time.Duration) Option { return func(c *config) { c.hold = longest } }

// WithConnectDelay sets how long an account stays CONNECTING between the scan and
// OK. The default is 0: both changes happen at once, one after the other.
func WithConnectDelay(d time.Duration) Option {
	return func(c *config) { c.connectDelay = max(d, 0) }
}

// WithAutoScan has the double scan each QR code, or enter each pairing code that
// is still valid, by itself that long after the intent began; 0 is at once. By
// default, and with a negative value, nobody scans.
func WithAutoScan(delay time.Duration) Option { return func(c *config) { c.autoScan = delay } }

// WithSeed makes ids, codes, phone numbers, request ids and what [WebhookChaos] hits
// repeat from run to run, as long as the requests come in the same order. The default
// is a random seed.
func WithSeed(seed int64) Option { return func(c *config) { c.seed = seed } }

// PairingForm is a spelling of a checkpoint that carries a pairing code. The API
// does not document it, so a program should understand all of them.
type PairingForm int

const (
	// PairingCode is {"type":"PAIRING_CODE","code":"ABCD-1234"}, the default.
	PairingCode PairingForm = iota
	// PairingSnake is {"type":"PAIRING_CODE","pairing_code":"ABCD-1234"}.
	PairingSnake
	// PairingCamel is {"type":"PAIRING_CODE","pairingCode":"ABCD-1234"}.
	PairingCamel
	// PairingAsQRCode is {"type":"PAIRING_CODE","qrcode":"ABCD-1234"}.
	PairingAsQRCode
	// PairingBare is the code itself, a string, instead of the checkpoint object.
	PairingBare
)

// WithPairingForm chooses how a pairing code is spelled in an answer; the default
// is [PairingCode].
func WithPairingForm(f PairingForm) Option { return func(c *config) { c.pairing = f } }

// WithLegacyQRCode answers a QR start with the older object
// {"object":"QrCode","account_id","qrcode"} and status 201 instead of a checkpoint.
func WithLegacyQRCode() Option { return func(c *config) { c.legacyQR = true } }

// WithQRRotation sets how long the first QR text of an intent, and each later one,
// can be scanned. The default is 60 s and 20 s, as WhatsApp does it. A value of 0
// or less keeps its default.
func WithQRRotation(first, later time.Duration) Option {
	return func(c *config) {
		if first > 0 {
			c.qrFirst = first
		}
		if later > 0 {
			c.qrLater = later
		}
	}
}

// Reissue says what a second start does while the account's intent is live. The
// API documents a 425 and no more.
type Reissue int

const (
	// ReissueStale answers 425 while the code handed out last is valid, and the
	// current code, within the same intent, once it is not. It is the default.
	ReissueStale Reissue = iota
	// ReissueAlways begins a new intent with a new code each time.
	ReissueAlways
	// ReissueNever answers 425 until the intent has ended.
	ReissueNever
)

// WithReissue chooses what a second start does; the default is [ReissueStale].
func WithReissue(r Reissue) Option { return func(c *config) { c.reissue = r } }

// WithPendingInList lists new accounts that nobody has linked yet, as CONNECTING.
// By default they are absent from lists, which the documentation leaves open.
func WithPendingInList() Option { return func(c *config) { c.listPending = true } }
