package postpress

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// WebhookHandler receives webhooks. It is a plain http.Handler, safe for
// concurrent use, for net/http and every router; make one with
// NewWebhookHandler, and end it with Shutdown or Close.
//
// Mount it at exactly the path the webhook was created with: to the API a
// redirect, of a trailing slash for instance, is a failure. Its answers are
// 200, and nothing else, for an event that everybody was told;
// 405 for another method than POST; 401 without the secret, whatever the body,
// which is not read; 503 while too many are under way, after Shutdown, and where
// the bus or the API is not available; 413 and 408 for bodies that are too large
// or too slow; 400 for what is neither JSON nor a form; 500 where a callback
// fails, panics or takes too long. After anything but 200 the API tries again, five times.
//
// A middleware that wraps the http.ResponseWriter must have the method Unwrap,
// as those of the usual routers do; otherwise ReadTimeout is out of reach, and
// http.Server.ReadTimeout has to do.
type WebhookHandler struct {
	cfg     WebhookConfig // without the secrets
	key     [sha256.Size]byte
	digests [][]byte
	parser  webhookParser
	gate    *webhookGate
	changes *changes // nil without OnChange
}

// NewWebhookHandler makes a handler, or reports what is wrong with the
// configuration as an *ArgumentError. It starts no goroutine.
func NewWebhookHandler(cfg WebhookConfig) (*WebhookHandler, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	h := &WebhookHandler{cfg: cfg, gate: newWebhookGate(cfg.MaxInFlight)}
	h.cfg.Secrets, h.cfg.Data = nil, nil
	_, _ = rand.Read(h.key[:]) // never fails
	for _, s := range cfg.Secrets {
		h.digests = append(h.digests, h.digest(s))
	}
	WithWebhookData(cfg.Data...)(&h.parser)
	if cfg.OnChange != nil {
		h.changes = newChanges(cfg.Client, cfg.OnChange, h.gate.closing)
	}
	return h, nil
}

// Format implements fmt.Formatter: the name of the header, whatever the verb.
func (h *WebhookHandler) Format(f fmt.State, _ rune) {
	if h == nil {
		_, _ = io.WriteString(f, "postpress.WebhookHandler(nil)")
		return
	}
	_, _ = io.WriteString(f, "postpress.WebhookHandler("+h.cfg.Header+")")
}

// ServeHTTP implements http.Handler.
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	o := h.handle(w, r)
	o.write(w)
	h.log(r.Context(), o, time.Since(began))
}

// handle goes from the cheap to the dear, and nothing about the body before
// the sender is known.
func (h *WebhookHandler) handle(w http.ResponseWriter, r *http.Request) webhookOutcome {
	if r.Method != http.MethodPost {
		return webhookOutcome{code: http.StatusMethodNotAllowed, unread: true}
	}
	if !h.authentic(r.Header) {
		return webhookOutcome{code: http.StatusUnauthorized, unread: true}
	}
	d, ok := h.gate.enter()
	if !ok {
		return webhookOutcome{code: http.StatusServiceUnavailable, problem: "too many requests or shut down", unread: true}
	}
	defer d.leave()
	body, code := h.read(w, r)
	if code != 0 {
		return webhookOutcome{code: code, unread: true}
	}
	e, err := h.parser.parse(body)
	if err != nil {
		return webhookOutcome{code: http.StatusBadRequest, size: len(body)}
	}
	// Not the context of the request: work that was begun is done, also where the
	// sender has left, and other requests may rely on it.
	ctx, cancel := h.gate.context(context.WithoutCancel(r.Context()), h.cfg.CallbackTimeout)
	defer cancel()
	o := h.deliver(ctx, d, e)
	o.kind, o.size = e.Kind, len(body)
	return o
}

// authentic compares with every secret, always, and digests under a key nobody
// knows, so that the time it takes tells nothing.
func (h *WebhookHandler) authentic(header http.Header) bool {
	values := header[h.cfg.Header]
	if len(values) != 1 {
		return false
	}
	given, match := h.digest(values[0]), 0
	for _, d := range h.digests {
		match |= subtle.ConstantTimeCompare(given, d)
	}
	return match == 1
}

func (h *WebhookHandler) digest(secret string) []byte {
	mac := hmac.New(sha256.New, h.key[:])
	mac.Write([]byte(secret))
	return mac.Sum(nil)
}

// read gives the body, or the code to answer with.
func (h *WebhookHandler) read(w http.ResponseWriter, r *http.Request) (body []byte, code int) {
	if r.ContentLength > h.cfg.MaxBodyBytes {
		return nil, http.StatusRequestEntityTooLarge
	}
	if r.Body == nil { // only where somebody calls ServeHTTP himself
		return nil, 0
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(h.cfg.ReadTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.cfg.MaxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, http.StatusRequestTimeout
	case err != nil:
		return nil, http.StatusBadRequest
	}
	// Left as it is, the deadline would pass for a sender who has hung up.
	_ = control.SetReadDeadline(time.Time{})
	return body, 0
}

// deliver tells everybody, and stops where somebody could not be told: the
// event will come again.
func (h *WebhookHandler) deliver(ctx context.Context, d *webhookDelivery, e *WebhookEvent) webhookOutcome {
	hint := e.Kind != WebhookOther && checkID("AccountID", e.AccountID) == nil
	if h.cfg.Bus != nil && hint {
		publish := func(ctx context.Context) error { return h.cfg.Bus.Publish(ctx, e.AccountID) }
		if err := d.guard(ctx, publish); err != nil {
			return webhookOutcome{code: http.StatusServiceUnavailable, problem: "publishing to the bus failed", err: err}
		}
	}
	if h.cfg.OnEvent != nil {
		theirs := *e // a callback that does not end may go on with it
		call := func(ctx context.Context) error { return h.cfg.OnEvent(ctx, &theirs) }
		if err := d.guard(ctx, call); err != nil {
			return callbackFailed("OnEvent", err)
		}
	}
	if h.changes == nil || !hint {
		return webhookOutcome{code: http.StatusOK}
	}
	return h.changes.follow(ctx, d, e)
}
