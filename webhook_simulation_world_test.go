package postpress_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
	"github.com/postpress-ai/postpress-go/statusbus"
)

// simulation is the world of one seed; see TestWebhookSimulation.
type simulation struct {
	t        *testing.T
	seed     uint64
	srv      *postpresstest.Server
	broker   *simBroker
	replicas []*simReplica
	accounts []*simAccount
	replays  sync.WaitGroup
	log      []postpresstest.Delivery

	mu sync.Mutex
	db map[string]postpress.Status
}

// onChange is the program's: it writes the database that all replicas share.
func (s *simulation) onChange(_ context.Context, a *postpress.Account) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db[a.ID] = a.Status()
	return nil
}

// simReplica is one process.
type simReplica struct {
	client *postpress.Client
	hook   *postpress.WebhookHandler
	hub    *statusbus.Hub
}

func newSimReplica(s *simulation, i int) *simReplica {
	hub, err := statusbus.New(s.t.Context(), simLink{s.broker, i})
	require.NoError(s.t, err)
	way := &simWay{to: s.srv.RoundTripper(), rnd: rand.New(rand.NewPCG(s.seed, uint64(10+i)))}
	client := s.srv.Client(postpress.WithStatusBus(hub), postpress.WithHTTPClient(&http.Client{Transport: way}))
	hook, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
		Secrets: []string{hookSecret, hookOld}, Bus: hub, Client: client, OnChange: s.onChange,
	})
	require.NoError(s.t, err)
	return &simReplica{client: client, hook: hook, hub: hub}
}

func (r *simReplica) close() {
	_ = r.hook.Close()
	r.client.Close()
	_ = r.hub.Close()
}

// simWay is the way to the API: answers take up to 0.1 s, so that an account may
// change while the answer that does not say so is on its way.
type simWay struct {
	to  http.RoundTripper
	mu  sync.Mutex
	rnd *rand.Rand
}

func (w *simWay) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	there, back := w.rnd.IntN(20_000), w.rnd.IntN(100_000)
	w.mu.Unlock()
	if err := simPause(r.Context(), there); err != nil {
		return nil, err
	}
	resp, err := w.to.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if err := simPause(r.Context(), back); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

func simPause(ctx context.Context, microseconds int) error {
	select {
	case <-time.After(time.Duration(microseconds) * time.Microsecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// simBroker takes hints from one replica to all: each a little later, and not to
// those it has lost. One in ten is not acknowledged.
type simBroker struct {
	idle sync.WaitGroup // of hints on their way

	mu        sync.Mutex
	rnd       *rand.Rand
	receivers [simReplicas]statusbus.Receiver
	away      [simReplicas]time.Time // the replica has lost the broker since then
	until     [simReplicas]time.Time
	seen      map[string]bool
}

var errSimBroker = errors.New("not acknowledged")

func newSimBroker(seed uint64) *simBroker {
	b := &simBroker{rnd: rand.New(rand.NewPCG(seed, 2)), seen: map[string]bool{}}
	for i := range simReplicas {
		b.away[i] = time.Now().Add(time.Duration(b.rnd.IntN(120_000)) * time.Millisecond)
		b.until[i] = b.away[i].Add(time.Duration(1000+b.rnd.IntN(9000)) * time.Millisecond)
	}
	return b
}

func (b *simBroker) lost(i int, now time.Time) bool {
	return !now.Before(b.away[i]) && now.Before(b.until[i])
}

// back is when the replica has the broker again, if it had lost it at about that time.
func (b *simBroker) back(i int, at time.Time) time.Time {
	if at.Before(b.away[i].Add(-time.Second)) || at.After(b.until[i]) {
		return time.Time{}
	}
	return b.until[i]
}

func (b *simBroker) keys() (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k := range b.seen {
		all = append(all, k)
	}
	return all
}

func (b *simBroker) publish(from int, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen[key] = true
	if b.lost(from, time.Now()) || b.rnd.IntN(10) == 0 {
		return errSimBroker
	}
	for i := range b.receivers {
		b.later(time.Duration(b.rnd.IntN(5_000))*time.Microsecond, i, func(r statusbus.Receiver) { r.Hint(key) })
	}
	return nil
}

// later needs mu.
func (b *simBroker) later(wait time.Duration, i int, f func(statusbus.Receiver)) {
	b.idle.Add(1)
	time.AfterFunc(wait, func() {
		defer b.idle.Done()
		b.mu.Lock()
		r := b.receivers[i]
		if b.lost(i, time.Now()) {
			r = nil
		}
		b.mu.Unlock()
		if r != nil {
			f(r)
		}
	})
}

// simLink is the Transport of one replica.
type simLink struct {
	*simBroker
	replica int
}

func (l simLink) Publish(_ context.Context, key string) error { return l.publish(l.replica, key) }

func (l simLink) Listen(_ context.Context, r statusbus.Receiver) (stop func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.receivers[l.replica] = r
	l.later(time.Until(l.until[l.replica]), l.replica, statusbus.Receiver.Gap)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.receivers[l.replica] = nil
	}, nil
}
