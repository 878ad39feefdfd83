package postpress

import (
	"errors"
	"time"

	"github.com/postpress-ai/postpress-go/internal/transport"
)

// report is what a wait tells the engine: that a look was held, that the phone
// has answered, or how the wait ended.
type report struct {
	id      string
	held    bool
	answers bool
	ended   time.Time // zero: it goes on
	account *Account  // how it ended: connected
	err     error     // or not
}

// wait waits for an account, as long as the attempt runs.
func (e *engine) wait(id string) {
	if _, waiting := e.waits[id]; waiting {
		return
	}
	e.waits[id] = time.Now()
	reconnect := e.req.AccountID != ""
	ear := &ear{reconnect: reconnect}
	opts := []WaitOption{WithProgress(func(p WaitProgress) {
		before := *ear
		ear.hear(p)
		if ear.held != before.held || ear.answered != before.answered {
			e.report(report{id: id, held: ear.held, answers: ear.answered})
		}
	})}
	if reconnect || e.fallen {
		opts = append(opts, WithReconnect())
	}
	e.running.Go(func() {
		a, err := e.client.WaitForConnection(e.watching, id, opts...)
		e.report(report{id: id, answers: ear.answered, ended: time.Now(), account: a, err: err})
	})
}

func (e *engine) report(r report) {
	select {
	case e.heard <- r:
	case <-e.watching.Done():
	}
}

// ear tells from the answers about one account whether its phone has answered.
// For an account that is linked again that is CONNECTING. A new one may be
// CONNECTING from the start, so there it counts only where pending is known to be
// something else: looks were held before and told nothing, and this one was not.
type ear struct {
	reconnect bool
	held      bool
	answered  bool

	last time.Duration
}

// quick is a look that was not held.
const quick = 5 * time.Second

func (e *ear) hear(p WaitProgress) {
	took := p.Elapsed - e.last
	e.last = p.Elapsed
	switch {
	case p.Status == "":
		e.held = e.held || took >= quick && wasHeld(p.Err)
	case p.Status == StatusConnecting && p.Err == nil:
		e.answered = e.answered || e.reconnect || e.held && took < quick
	}
}

// wasHeld tells whether a look that told nothing may have been held: to the end,
// or until something in between cut it.
func wasHeld(err error) bool {
	var none *RequestError
	return err == nil || errors.As(err, &none) && none.kind == transport.Lost
}
