package faulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/pprof"
	"strings"
	"sync"
	"time"

	"github.com/postpress-ai/postpress-go"
)

const (
	hangs        = 60 * time.Second       // no call of this suite may take that long
	stallTimeout = 700 * time.Millisecond // of an attempt at a server that says nothing
	patience     = 10 * time.Second       // with what has to end by itself
	atOnce       = 40                     // runs at a time; most of them sleep
)

// outcome is what one call made of one fault.
type outcome struct {
	fault    fault
	call     call
	once     bool
	err      error
	requests int64
	problems []string
}

func (o outcome) name() string {
	name := o.fault.group + "/" + o.fault.name + "/" + o.call.name
	if o.once {
		name += "/once"
	}
	return name
}

func (o *outcome) complain(format string, args ...any) {
	o.problems = append(o.problems, fmt.Sprintf(format, args...))
}

// results are of the whole suite, which is run once for all tests.
var results = sync.OnceValue(func() []outcome {
	var all []outcome
	for _, f := range faults() {
		for _, c := range calls {
			if !f.skips(c.name) {
				all = append(all, outcome{fault: f, call: c})
			}
			if f.passes && !(c.name == "ConnectAccount" && f.skips(c.name)) && !(c.name == "LinkWhatsApp" && (f.stalls || f.answer == nil)) {
				all = append(all, outcome{fault: f, call: c, once: true})
			}
		}
	}
	room := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := range all {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			all[i].run(fmt.Sprint(i))
		})
	}
	wg.Wait()
	for id, stack := range leakedGoroutines(patience) {
		var i int
		_, _ = fmt.Sscan(id, &i)
		all[i].complain("a goroutine of the client is left: %s", stack)
	}
	return all
})

func (o *outcome) run(id string) {
	p := newPeer(o.fault, o.once, o.call.hits)
	defer p.close()
	if !o.once {
		p.hits = every
	}
	var logged syncBuffer
	pprof.Do(context.Background(), pprof.Labels("run", id), func(ctx context.Context) {
		c, pool := o.client(p, &logged)
		o.attempt(ctx, c)
		o.requests = p.requests.Load()
		if o.call.name == "LinkWhatsApp" && !o.once {
			o.requests = p.posts.Load() // the attempt may have looked since
		}
		c.Close()
		if pool != nil {
			pool.CloseIdleConnections()
		}
	})
	if !eventually(patience, func() bool { return p.open.Load() == 0 }) {
		o.complain("%d connections are left open after Close", p.open.Load())
	}
	o.checkError()
	o.checkAttempts()
	for _, s := range secretsIn(logged.String()) {
		o.complain("the log holds %s", s)
	}
}

// attempt makes the call, and does not wait for ever. The context has no deadline:
// each call has to end by itself.
func (o *outcome) attempt(ctx context.Context, c *postpress.Client) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		if o.once {
			done <- o.call.once(ctx, c, o.fault)
			return
		}
		done <- o.call.run(ctx, c, o.fault)
	}()
	select {
	case o.err = <-done:
	case <-time.After(hangs):
		o.complain("it hangs")
	}
}

func (o *outcome) client(p *peer, logged *syncBuffer) (*postpress.Client, *http.Transport) {
	opts := []postpress.Option{
		postpress.WithBaseURL(o.fault.url(p)), postpress.WithInsecureHTTP(),
		postpress.WithRetryPolicy(postpress.RetryPolicy{BaseDelay: time.Millisecond}),
		postpress.WithLogger(slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	}
	var pool *http.Transport // nil: the client's own, with its defaults
	if o.fault.pool != nil {
		pool = o.fault.pool()
		opts = append(opts, postpress.WithHTTPClient(&http.Client{Transport: pool}))
	}
	if o.fault.stalls {
		opts = append(opts, postpress.WithTimeout(stallTimeout))
	}
	c, err := postpress.New(apiKey, opts...)
	must(err)
	return c, pool
}

// checkAttempts compares what the error says with what the server has seen.
func (o *outcome) checkAttempts() {
	var answer *postpress.APIError
	var none *postpress.RequestError
	var wait *postpress.WaitError
	said := int64(-1)
	switch {
	case o.fault.unseen: // the attempts ended before a request was sent
	case errors.As(o.err, &wait):
		said = int64(wait.Polls)
	case errors.As(o.err, &none):
		said = int64(none.Attempts)
	case errors.As(o.err, &answer):
		said = int64(answer.Attempts)
	}
	if (o.fault.stalls || o.fault.late) && o.requests > 0 && said > o.requests {
		o.requests = said
	}
	if said >= 0 && said != o.requests {
		o.complain("the error says %d requests, the server has seen %d", said, o.requests)
	}
}

func eventually(longest time.Duration, holds func() bool) bool {
	for until := time.Now().Add(longest); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return holds()
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func secretsIn(text string) (found []string) {
	for _, s := range secrets {
		if strings.Contains(text, s) {
			found = append(found, s)
		}
	}
	return found
}
