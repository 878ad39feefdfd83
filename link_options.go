package postpress

import "time"

// Defaults and bounds of a linking attempt.
const (
	defaultLinkTimeout  = 10 * time.Minute
	defaultRefreshTimes = 5
	qrRefresh           = 50 * time.Second  // of the 60 s that WhatsApp accepts a QR code
	pairingRefresh      = 150 * time.Second // of the 160 s of a pairing code
	maxAsked            = 20                // refreshes that viewers ask for
)

// LinkOption changes one attempt.
type LinkOption func(*linkConfig)

type linkConfig struct {
	key        string
	keySet     bool
	startKey   *string // the idempotency key of the start
	timeout    time.Duration
	timeoutSet bool
	every      time.Duration // 0: by the kind of challenge
	times      int
	request    *LinkRequest
}

// WithLinkKey makes the attempt the only one of this client with the key, such as
// the id of your user: while it lives, another start with the key returns it
// instead of sending a request, also when both come at the same instant. The
// options of the later start are ignored; another LinkRequest is an *ArgumentError.
// A start that comes while the attempt is being cancelled waits for its end. The
// key is free again when the attempt has ended. 1 to 255 bytes.
func WithLinkKey(key string) LinkOption {
	return func(c *linkConfig) { c.key, c.keySet = key, true }
}

// WithLinkStartKey sets the idempotency key of the request that starts the attempt;
// without it, it is random. Store it before the start: then a process that does not
// know whether another one has come as far repeats that request with it, and gets the
// account that was created already instead of a second one. It must be new for each
// attempt, and what WithIdempotencyKey takes. ResumeLink ignores it.
func WithLinkStartKey(key string) LinkOption {
	return func(c *linkConfig) { c.startKey = &key }
}

// WithLinkTimeout bounds the whole attempt, at most 24 h; default 10 minutes. The
// outcome then matches ErrIntentExpired. ResumeLink keeps the time of the attempt
// it resumes; given there, the option can only shorten it.
func WithLinkTimeout(d time.Duration) LinkOption {
	return func(c *linkConfig) { c.timeout, c.timeoutSet = d, true }
}

// WithLinkRefresh sets after how long a challenge is replaced, at least 1 s, and
// how many times by itself. 0 as the time keeps the default, 50 s for a QR code and
// 150 s for a pairing code; the default of the times is 5, and 0 is never. Where a
// new challenge is not to be had yet, it is tried again, ever more slowly.
func WithLinkRefresh(every time.Duration, times int) LinkOption {
	return func(c *linkConfig) { c.every, c.times = every, times }
}

// WithLinkRequest is for ResumeLink: the request that the attempt was started with,
// needed where it held what a LinkRecord does not, see LinkRecord.Needs.
func WithLinkRequest(r LinkRequest) LinkOption {
	return func(c *linkConfig) { c.request = &r }
}

func newLinkConfig(opts []LinkOption) (linkConfig, error) {
	c := linkConfig{timeout: defaultLinkTimeout, times: defaultRefreshTimes}
	for _, opt := range opts {
		if opt != nil {
			opt(&c)
		}
	}
	switch {
	case c.keySet && (c.key == "" || len(c.key) > 255):
		return c, &ArgumentError{"WithLinkKey", "must be 1 to 255 bytes"}
	case c.startKey != nil && !isIdempotencyKey(*c.startKey):
		return c, &ArgumentError{"WithLinkStartKey", "must be 1 to 255 printable ASCII characters, without spaces around them"}
	case c.timeout <= 0 || c.timeout > 24*time.Hour:
		return c, &ArgumentError{"WithLinkTimeout", "must be positive and at most 24h"}
	case c.every != 0 && c.every < time.Second:
		return c, &ArgumentError{"WithLinkRefresh", "the time must be at least 1s, or 0 for the default"}
	case c.times < 0:
		return c, &ArgumentError{"WithLinkRefresh", "the number of times must not be negative; 0 means never"}
	}
	return c, nil
}

// refreshAfter is how long a challenge is shown before it is replaced.
func (c linkConfig) refreshAfter(pairing bool) time.Duration {
	if pairing {
		return orDefault(c.every, pairingRefresh)
	}
	return orDefault(c.every, qrRefresh)
}
