package postpress

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// webhookOutcome is what became of a request: the answer, and what the log tells.
type webhookOutcome struct {
	code    int
	kind    WebhookKind
	size    int    // of the body
	problem string // what failed
	err     error  // may be logged
	unread  bool   // there may be a body that nobody wants
}

// callbackFailed keeps of an error of the user's only that which cannot quote the event.
func callbackFailed(name string, err error) webhookOutcome {
	o := webhookOutcome{code: http.StatusInternalServerError, problem: name + " returned an error"}
	var p *webhookPanic
	switch {
	case errors.As(err, &p):
		o.problem, o.err = name+" panicked", p
	case errors.Is(err, errAbandoned):
		o.problem = name + " took too long"
	}
	return o
}

// lingering is how long what an unwelcome sender still sends is thrown away
// before the connection is cut. Cut at once, it might lose the answer.
const lingering = time.Second

func (o webhookOutcome) write(w http.ResponseWriter) {
	if o.unread {
		// Otherwise net/http reads the body before it sends the answer, and waits for
		// a slow one for as long as it takes.
		w.Header().Set("Connection", "close")
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingering))
	}
	if o.code == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	if o.code == http.StatusOK {
		w.WriteHeader(http.StatusOK)
		return
	}
	http.Error(w, http.StatusText(o.code), o.code)
}

func (h *WebhookHandler) log(ctx context.Context, o webhookOutcome, took time.Duration) {
	level := slog.LevelWarn
	switch {
	case o.code == http.StatusOK:
		level = slog.LevelDebug
	case o.code == http.StatusInternalServerError:
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("kind", string(o.kind)), slog.Int("size", o.size),
		slog.Int("code", o.code), slog.Duration("duration", took),
	}
	if o.problem != "" {
		attrs = append(attrs, slog.String("problem", o.problem))
	}
	if o.err != nil {
		attrs = append(attrs, slog.String("error", o.err.Error()))
	}
	h.cfg.Logger.LogAttrs(ctx, level, "postpress: webhook", attrs...)
}
