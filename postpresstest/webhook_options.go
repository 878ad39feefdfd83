package postpresstest

import (
	"net/http"
	"slices"
	"time"
)

// webhookConfig is how webhooks are delivered.
type webhookConfig struct {
	timeout    time.Duration
	delays     []time.Duration
	form       WebhookForm
	chaos      WebhookChaos
	receivers  []http.Handler
	transports []http.RoundTripper
}

func defaultWebhooks() webhookConfig {
	return webhookConfig{
		timeout: 30 * time.Second,
		delays:  []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute},
	}
}

// WithWebhookReceiver delivers all webhooks in memory to one of these handlers,
// chosen at random for each attempt like the replicas behind a load balancer,
// whatever host the URL of the webhook names. It works in a synctest bubble, and no
// socket is opened. Each handler runs in a net/http server of its own.
func WithWebhookReceiver(replicas ...http.Handler) Option {
	return func(c *config) {
		c.webhooks.receivers = slices.DeleteFunc(slices.Clone(replicas), func(h http.Handler) bool { return h == nil })
		c.webhooks.transports = nil
	}
}

// WithWebhookTransport delivers webhooks through one of these, chosen at random for
// each attempt. By default that is a transport which dials loopback addresses only;
// whom another one contacts is its own affair.
func WithWebhookTransport(replicas ...http.RoundTripper) Option {
	return func(c *config) {
		c.webhooks.transports = slices.DeleteFunc(slices.Clone(replicas), func(rt http.RoundTripper) bool { return rt == nil })
		c.webhooks.receivers = nil
	}
}

// WithWebhookRetryDelays sets how long the sender waits after each failed attempt,
// and by their number how often it tries again; without any it does not. The
// documentation speaks of five more attempts with growing delays: the default is
// 1 s, 5 s, 30 s, 2 min and 10 min. A negative delay keeps the default.
func WithWebhookRetryDelays(delays ...time.Duration) Option {
	return func(c *config) {
		if !slices.ContainsFunc(delays, func(d time.Duration) bool { return d < 0 }) {
			c.webhooks.delays = slices.Clone(delays)
		}
	}
}

// WithWebhookTimeout sets how long an attempt waits for its answer; the default,
// which the documentation gives, is 30 s. 0 and less keep it.
func WithWebhookTimeout(d time.Duration) Option {
	return func(c *config) {
		if d > 0 {
			c.webhooks.timeout = d
		}
	}
}

// WebhookForm is a spelling of webhooks whose format is form. The API does not
// document it, so a program should understand all of them.
type WebhookForm int

const (
	// FormBrackets is AccountStatus[account_id]=…&AccountStatus[message]=…, the default.
	FormBrackets WebhookForm = iota
	// FormDots is AccountStatus.account_id=…&AccountStatus.message=…
	FormDots
	// FormJSON is AccountStatus={"account_id":…,"message":…}.
	FormJSON
)

// WithWebhookForm chooses how a form is spelled; the default is [FormBrackets].
func WithWebhookForm(f WebhookForm) Option { return func(c *config) { c.webhooks.form = f } }

// WebhookChaos is what goes wrong between the sender of webhooks and their receiver,
// as shares from 0 (never) to 1 (always). What is hit is decided by the seed, see
// [WithSeed]: the same events in the same order meet the same fate.
type WebhookChaos struct {
	// LostRequests is the share of attempts that never reach the receiver.
	LostRequests float64
	// LostAnswers is the share of attempts that reach the receiver, but whose answer
	// does not reach the sender, which tries again.
	LostAnswers float64
	// CutBodies is the share of attempts whose connection breaks in the middle of the
	// body: the receiver reads [io.ErrUnexpectedEOF], and its answer reaches nobody.
	CutBodies float64
	// Duplicates is the share of events that are sent once more, up to MaxDelay later.
	Duplicates float64
	// Delayed is the share of events that are sent late, by up to MaxDelay, so that
	// later ones overtake them.
	Delayed float64
	// MaxDelay bounds the two above; 0 and less are 10 s.
	MaxDelay time.Duration
}

// WithWebhookChaos makes the delivery of webhooks as unreliable as described. By
// default everything arrives once and in order.
func WithWebhookChaos(chaos WebhookChaos) Option {
	return func(c *config) { c.webhooks.chaos = chaos }
}
