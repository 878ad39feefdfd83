package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/statusbus"
)

// newServer bounds everything a peer can draw out. The handler needs up to 25 s
// (5 s for the body, 20 s for the callbacks), the API waits 30 s for the answer.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}

// receiver is the webhook handler, and the moment an event came last.
type receiver struct {
	handler *postpress.WebhookHandler
	path    string

	mu   sync.Mutex
	last time.Time
}

func (s *session) newReceiver(client *postpress.Client, bus statusbus.Bus) (*receiver, error) {
	u, err := url.Parse(s.url)
	if err != nil {
		return nil, err
	}
	handler, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
		Secrets: []string{s.secret},
		Bus:     bus, // first of all: it wakes the waiter
		OnEvent: func(_ context.Context, e *postpress.WebhookEvent) error {
			s.out.say("webhook: %s says %s", e.AccountID, e.Status) // a hint, perhaps a late one
			return nil
		},
		Client: client,
		OnChange: func(_ context.Context, a *postpress.Account) error {
			s.out.say("changed: %s is %s", a.ID, a.Status()) // as read: this goes into the database
			return nil
		},
	})
	return &receiver{handler: handler, path: cmp.Or(u.Path, "/")}, err
}

// ServeHTTP answers at exactly one path: a router that redirects loses events.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path != r.path {
		http.NotFound(w, req)
		return
	}
	if req.Method == http.MethodPost {
		r.mu.Lock()
		r.last = time.Now()
		r.mu.Unlock()
	}
	r.handler.ServeHTTP(w, req)
}

// sinceLast is how long ago the last event came.
func (r *receiver) sinceLast() (_ time.Duration, any bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.last), !r.last.IsZero()
}

// serving is a receiver with its server, on its way until stop.
type serving struct {
	*receiver
	server *http.Server
	failed chan error
}

func (r *receiver) start(l net.Listener) *serving {
	v := &serving{receiver: r, server: newServer(r), failed: make(chan error, 1)}
	go func() { v.failed <- v.server.Serve(l) }()
	return v
}

// stop ends the handler first: it answers 503 from now on, so that the API sends
// what comes now again, to another replica or to the next start, and does not wait
// for the window of OnChange any longer. Then the server lets the answers finish.
func (v *serving) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	err := errors.Join(v.handler.Shutdown(ctx), v.server.Shutdown(ctx))
	if served := <-v.failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// lines are printed whole, with the time since the beginning, by any goroutine.
type lines struct {
	mu    sync.Mutex
	to    io.Writer
	began time.Time
}

func (l *lines) say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.to, "%6.2fs  %s\n", time.Since(l.began).Seconds(), fmt.Sprintf(format, args...))
}
