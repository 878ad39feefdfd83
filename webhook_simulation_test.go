package postpress_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// Three replicas behind a load balancer share a broker and a database. Accounts are
// linked, fail, are deleted and change, people wait for them on any replica, and
// webhooks land on any replica: lost, answered in vain, cut, doubled, late, JSON and
// form, between forged and replayed ones; the broker fails and is away now and then.
//
// Every wait ends with what was true while it waited, and soon after the first event
// that got through; in the end, the database is right about every account.
//
// What happens is given by the seed. The times at which the SDK looks without a hint
// are not: it spreads them at random.
func TestWebhookSimulation(t *testing.T) {
	seeds := 200
	if testing.Short() {
		seeds = 40
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newSimulation(t, seed).run() })
		})
	}
}

const (
	simReplicas = 3
	simAccounts = 6
	simWaits    = 3 // for each account, at most
	simForged   = 15
)

func newSimulation(t *testing.T, seed uint64) *simulation {
	s := &simulation{t: t, seed: seed, broker: newSimBroker(seed), db: map[string]postpress.Status{}}
	var receivers []http.Handler
	for i := range simReplicas {
		receivers = append(receivers, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.replicas[i].hook.ServeHTTP(w, r)
		}))
	}
	s.srv = postpresstest.NewServer(
		postpresstest.WithSeed(int64(seed)), postpresstest.WithHold(0), postpresstest.WithPendingInList(),
		postpresstest.WithWebhookForm(postpresstest.WebhookForm(seed%3)),
		postpresstest.WithWebhookReceiver(receivers...),
		postpresstest.WithWebhookChaos(postpresstest.WebhookChaos{
			LostRequests: 0.2, LostAnswers: 0.2, CutBodies: 0.1, Duplicates: 0.3, Delayed: 0.3, MaxDelay: 20 * time.Second,
		}),
	)
	for i := range simReplicas {
		s.replicas = append(s.replicas, newSimReplica(s, i))
	}
	s.createWebhooks()
	return s
}

// createWebhooks has every other kind of event sent as a form.
func (s *simulation) createWebhooks() {
	for _, w := range []struct {
		format postpress.WebhookFormat
		events []string
	}{
		{postpress.WebhookFormatJSON, []string{"ok", "creation_fail", "credentials", "stopped", "sync_success"}},
		{postpress.WebhookFormatForm, []string{"connecting", "creation_success", "reconnected", "deleted", "error", "permissions"}},
	} {
		_, err := s.replicas[0].client.CreateWebhook(s.t.Context(), postpress.WebhookRequest{
			Source: postpress.WebhookSourceAccountStatus, RequestURL: "https://hooks.test/" + string(w.format),
			BodyFormat: w.format, Events: w.events,
			Headers: []postpress.WebhookHeader{{Key: postpress.DefaultWebhookHeader, Value: hookSecret}},
		})
		require.NoError(s.t, err)
	}
}

func (s *simulation) run() {
	var all sync.WaitGroup
	for i := range simAccounts {
		a := &simAccount{simulation: s, kind: i % len(simKinds), rnd: rand.New(rand.NewPCG(s.seed, uint64(100+i)))}
		s.accounts = append(s.accounts, a)
		all.Go(a.run)
	}
	all.Go(s.forge)
	all.Wait()
	require.NoError(s.t, s.srv.WaitDeliveries(s.t.Context()))
	synctest.Wait()
	for _, r := range s.replicas {
		assert.NoError(s.t, r.hook.Shutdown(s.t.Context()))
	}
	s.log = s.srv.Deliveries()
	for _, a := range s.accounts {
		a.checkWaits()
		a.checkDatabase()
	}
	for _, r := range s.replicas {
		r.close()
	}
	s.srv.Close()
	s.broker.idle.Wait()
	if s.t.Failed() {
		s.t.Logf("seed %d", s.seed)
	}
}

// forge sends what the API does not: wrong secrets, no secrets, other methods, and
// true events at the wrong time.
func (s *simulation) forge() {
	rnd := rand.New(rand.NewPCG(s.seed, 1))
	for range simForged {
		time.Sleep(time.Duration(rnd.IntN(10_000)) * time.Millisecond)
		h, lie := s.replicas[rnd.IntN(simReplicas)].hook, hookStatus("acc_forged", "OK")
		switch rnd.IntN(4) {
		case 0:
			assert.Equal(s.t, 401, simPost(h, http.MethodPost, "the secret of a forger", lie))
		case 1:
			assert.Equal(s.t, 401, simPost(h, http.MethodPost, "", lie))
		case 2:
			assert.Equal(s.t, 405, simPost(h, http.MethodPut, hookSecret, lie))
		case 3: // not awaited, since the answer may take its time
			if log := s.srv.Deliveries(); len(log) > 0 {
				old := log[rnd.IntN(len(log))]
				s.replays.Go(func() { simPost(h, http.MethodPost, hookSecret, string(old.Body)) })
			}
		}
	}
	s.replays.Wait()
	for _, r := range s.srv.Requests() {
		assert.NotContains(s.t, r.Path, "acc_forged", "a forged event leads to no request")
	}
	assert.NotContains(s.t, s.broker.keys(), "acc_forged", "nor to a hint")
}

func simPost(h http.Handler, method, secret, body string) int {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	if secret != "" {
		r.Header.Set(postpress.DefaultWebhookHeader, secret)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// checkWaits holds each wait against what was true while it waited.
func (a *simAccount) checkWaits() {
	for _, w := range a.waits {
		say := fmt.Sprintf("%s (%s): waited from %v to %v on replica %d, true were %v: %v",
			a.id, simKinds[a.kind].name, w.from.Sub(a.began), w.to.Sub(a.began), w.replica, a.truth(w.from, w.to), w.err)
		if w.err == nil {
			assert.Contains(a.t, a.truth(w.from, w.to), simConnected, say)
			assert.Equal(a.t, a.id, w.account.ID)
			assert.True(a.t, w.account.Connected())
			a.checkPrompt(w, a.since(simConnected, w.from), 2200*time.Millisecond, say)
			continue
		}
		assert.Contains(a.t, a.truth(w.from, w.to), simFailed, say)
		var we *postpress.WaitError
		assert.ErrorAs(a.t, w.err, &we)
		if errors.Is(w.err, context.DeadlineExceeded) {
			assert.True(a.t, simKinds[a.kind].silent, say)
		}
	}
}

// checkPrompt wants a wait to have ended soon after the first event since the change
// that a handler took, and, since the broker may be away, after the next gap.
func (a *simAccount) checkPrompt(w simWait, change time.Time, grace time.Duration, say string) {
	for _, d := range a.log {
		if d.AccountID == a.id && d.Status == http.StatusOK && !d.Time.Before(change) {
			by := later(later(d.Time, w.from), a.broker.back(w.replica, d.Time)).Add(grace)
			assert.False(a.t, w.to.After(by), "late by %v: %s", w.to.Sub(by), say)
			return
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// checkDatabase wants the last status of the account to be in the database, if any
// handler took an event since; six attempts in a row can be lost.
func (a *simAccount) checkDatabase() {
	last := a.history[len(a.history)-1]
	arrived := simKinds[a.kind].silent
	for _, d := range a.log {
		arrived = arrived || d.AccountID == a.id && d.Status == http.StatusOK && !d.Time.Before(last.at)
	}
	if !arrived {
		a.t.Logf("%s: no event got through", a.id)
		return
	}
	want := last.gone
	if now, exists := a.srv.Account(a.id); exists {
		want = now.Status
	}
	assert.Equal(a.t, want, a.db[a.id], "%s (%s)", a.id, simKinds[a.kind].name)
}
