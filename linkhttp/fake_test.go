package linkhttp

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/postpress-ai/postpress-go"
)

// fakeEngine is the client without an API: links do what the test says.
type fakeEngine struct {
	mu      sync.Mutex
	begun   []*fakeLink // in the order of their start
	resumed []postpress.LinkRecord
	startFn func(ctx context.Context, req postpress.LinkRequest) error
}

func (e *fakeEngine) start(ctx context.Context, req postpress.LinkRequest, key, _ string) (link, error) {
	e.mu.Lock()
	fn := e.startFn
	e.mu.Unlock()
	if fn != nil {
		if err := fn(ctx, req); err != nil {
			return nil, err
		}
	}
	return e.add(req, key, 0, ""), nil
}

func (e *fakeEngine) resume(_ context.Context, rec postpress.LinkRecord, req postpress.LinkRequest, key string) (link, error) {
	e.mu.Lock()
	e.resumed = append(e.resumed, rec)
	e.mu.Unlock()
	return e.add(req, key, rec.Seq, rec.AccountID), nil
}

func (e *fakeEngine) add(req postpress.LinkRequest, key string, seq int, id string) *fakeLink {
	e.mu.Lock()
	defer e.mu.Unlock()
	if id == "" {
		id = fmt.Sprintf("acc_%d", len(e.begun)+1)
	}
	l := &fakeLink{req: req, key: key, id: id, step: postpress.LinkStep{Seq: seq}, changed: make(chan struct{})}
	e.begun = append(e.begun, l)
	return l
}

// links are those that were begun, once there are n of them.
func (e *fakeEngine) links(n int) []*fakeLink {
	for range 5000 {
		e.mu.Lock()
		all := append([]*fakeLink(nil), e.begun...)
		e.mu.Unlock()
		if len(all) >= n {
			return all
		}
		time.Sleep(2 * time.Millisecond)
	}
	panic(fmt.Sprintf("fewer than %d links", n))
}

type fakeLink struct {
	req postpress.LinkRequest
	key string
	id  string

	mu        sync.Mutex
	step      postpress.LinkStep
	err       error // the outcome
	changed   chan struct{}
	refreshes int
	cancels   int
	detached  bool
	refuse    error         // of Refresh
	slow      chan struct{} // Cancel waits for it
}

const testQR = "https://wa.me/settings/linked_devices#reftext,keytext,advtext,secrettext,1"

func (l *fakeLink) push(s postpress.LinkStep, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil || l.step.State == postpress.LinkConnected {
		return
	}
	s.Seq = l.step.Seq + 1
	l.step, l.err = s, err
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *fakeLink) show(qrText string) {
	l.push(postpress.LinkStep{State: postpress.LinkShow, Checkpoint: &postpress.Checkpoint{
		QRCode: postpress.Secret(qrText), ExpiresAt: time.Now().Add(time.Minute),
	}}, nil)
}

func (l *fakeLink) showCode(code string) {
	l.push(postpress.LinkStep{State: postpress.LinkShow, Checkpoint: &postpress.Checkpoint{
		PairingCode: postpress.Secret(code), ExpiresAt: time.Now().Add(160 * time.Second),
	}}, nil)
}

func (l *fakeLink) is(state postpress.LinkState) { l.push(postpress.LinkStep{State: state}, nil) }
func (l *fakeLink) fail(err error)               { l.push(postpress.LinkStep{}, err) }

func (l *fakeLink) connect() {
	l.push(postpress.LinkStep{State: postpress.LinkConnected, Account: &postpress.Account{
		ID: l.id, Name: "Ada", ConnectionParams: postpress.ConnectionParams{IM: postpress.IMParams{PhoneNumber: "33612345678"}},
	}}, nil)
}

func (l *fakeLink) Steps(ctx context.Context) iter.Seq2[postpress.LinkStep, error] {
	return func(yield func(postpress.LinkStep, error) bool) {
		seen := 0
		for {
			l.mu.Lock()
			step, err, changed := l.step, l.err, l.changed
			l.mu.Unlock()
			switch {
			case err != nil:
				yield(postpress.LinkStep{Seq: step.Seq}, err)
				return
			case step.Seq > seen && step.State != "":
				seen = step.Seq
				if !yield(step, nil) || step.State == postpress.LinkConnected {
					return
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				yield(postpress.LinkStep{Seq: seen}, ctx.Err())
				return
			}
		}
	}
}

func (l *fakeLink) Refresh(context.Context) error {
	l.mu.Lock()
	l.refreshes++
	n, err := l.refreshes, l.refuse
	l.mu.Unlock()
	if err == nil {
		l.show(fmt.Sprintf("%s-refreshed-%d", testQR, n))
	}
	return err
}

func (l *fakeLink) Cancel(ctx context.Context) error {
	l.mu.Lock()
	l.cancels++
	slow := l.slow
	l.mu.Unlock()
	if slow != nil {
		select {
		case <-slow:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.fail(&postpress.LinkError{Err: postpress.ErrLinkCanceled})
	return nil
}

func (l *fakeLink) Detach(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.detached = true
	return nil
}

func (l *fakeLink) AccountID() string { return l.id }

func (l *fakeLink) State() postpress.LinkRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	return postpress.LinkRecord{AccountID: l.id, Seq: l.step.Seq, Ended: l.err != nil || l.step.State == postpress.LinkConnected}
}

func (l *fakeLink) counts() (refreshes, cancels int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refreshes, l.cancels
}
