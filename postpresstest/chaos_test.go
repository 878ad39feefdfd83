package postpresstest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// run has n changes of one account, a second apart, meet some chaos.
func run(t *testing.T, n int, chaos postpresstest.WebhookChaos, opts ...postpresstest.Option) (log []postpresstest.Delivery, replicas []*inbox) {
	t.Helper()
	bubble(t, func(t *testing.T) {
		replicas = []*inbox{{}, {}, {answer: answering(503)}}
		opts = append([]postpresstest.Option{
			postpresstest.WithSeed(11), postpresstest.WithWebhookChaos(chaos),
			postpresstest.WithWebhookReceiver(replicas[0], replicas[1], replicas[2]),
		}, opts...)
		a := newAPI(t, opts...)
		a.hook(hookURL, "")
		a.hook("https://other.test/hook", `,"format":"form"`)
		id := a.srv.AddAccount(postpresstest.Account{}).ID
		for i := range n {
			require.NoError(t, a.srv.SetStatus(id, toStatus(fmt.Sprint("S", i))))
			time.Sleep(time.Second)
		}
		require.NoError(t, a.srv.WaitDeliveries(t.Context()))
		synctest.Wait()
		log = a.srv.Deliveries()
	})
	return log, replicas
}

var storm = postpresstest.WebhookChaos{
	LostRequests: 0.1, LostAnswers: 0.2, CutBodies: 0.1, Duplicates: 0.2, Delayed: 0.3, MaxDelay: time.Minute,
}

func TestChaosRepeatsWithTheSeed(t *testing.T) {
	first, _ := run(t, 100, storm)
	for range 2 {
		again, _ := run(t, 100, storm)
		require.Equal(t, first, again)
	}
	other, _ := run(t, 100, storm, postpresstest.WithSeed(12))
	assert.NotEqual(t, first, other)
}

// What one share hits does not move with another.
func TestChaosIsIndependent(t *testing.T) {
	duplicates := func(chaos postpresstest.WebhookChaos) (events []int) {
		log, _ := run(t, 50, chaos)
		for _, d := range log {
			if d.Duplicate && d.Attempt == 1 {
				events = append(events, d.Event)
			}
		}
		slices.Sort(events)
		return events
	}
	assert.NotEmpty(t, duplicates(storm))
	assert.Equal(t, duplicates(storm), duplicates(postpresstest.WebhookChaos{Duplicates: 0.2}))
}

func TestChaosSharesAndReplicas(t *testing.T) {
	log, replicas := run(t, 500, storm)
	attempts, events := float64(len(log)), map[bool]float64{}
	faults := map[postpresstest.DeliveryFault]float64{}
	at := map[int]float64{}
	delayed := 0.0
	for _, d := range log {
		faults[d.Fault]++
		at[d.Replica]++
		if d.Attempt == 1 {
			events[d.Duplicate]++
			if d.Delayed {
				delayed++
			}
		}
		assert.False(t, d.Duplicate && d.Delayed)
		assert.Equal(t, d.URL == hookURL, d.Body[0] == '{')
	}
	assert.InDelta(t, 1000, events[false], 0)
	assert.InDelta(t, 0.2, events[true]/1000, 0.04)
	assert.InDelta(t, 0.3, delayed/1000, 0.04)
	assert.InDelta(t, 0.1, faults[postpresstest.DeliveryLostRequest]/attempts, 0.03)
	assert.InDelta(t, 0.2, faults[postpresstest.DeliveryLostAnswer]/attempts, 0.03)
	assert.InDelta(t, 0.1, faults[postpresstest.DeliveryCutBody]/attempts, 0.03)
	arrived := 0
	for i, in := range replicas {
		assert.InDelta(t, 1.0/3, at[i]/attempts, 0.04)
		arrived += len(in.seen())
	}
	assert.InDelta(t, attempts-faults[postpresstest.DeliveryLostRequest], arrived, 0)
}

func TestLostAnswers(t *testing.T) {
	log, replicas := run(t, 1, postpresstest.WebhookChaos{LostAnswers: 2}, postpresstest.WithWebhookReceiver(&inbox{}))
	require.Len(t, log, 12)
	assert.Empty(t, replicas[0].seen(), "the later option counts")
	for _, d := range log {
		assert.Equal(t, 200, d.Status)
		assert.Equal(t, "the answer was lost on the way", d.Error)
	}
	assert.Equal(t, postpresstest.DeliveryLost, log[11].Outcome)
}

func TestLostRequests(t *testing.T) {
	in := &inbox{}
	log, _ := run(t, 1, postpresstest.WebhookChaos{LostRequests: 1, LostAnswers: 1}, postpresstest.WithWebhookReceiver(in))
	require.Len(t, log, 12)
	assert.Empty(t, in.seen())
	assert.Equal(t, "the request was lost on the way", log[0].Error)
	assert.Equal(t, postpresstest.DeliveryLostRequest, log[0].Fault)
}

func TestCutBodies(t *testing.T) {
	in := &inbox{}
	log, _ := run(t, 1, postpresstest.WebhookChaos{CutBodies: 1}, postpresstest.WithWebhookReceiver(in))
	require.Len(t, log, 12)
	require.Len(t, in.seen(), 12)
	for i, d := range log {
		require.Error(t, in.errs[i])
		assert.Equal(t, "the connection broke within the body", d.Error)
		assert.Contains(t, in.seen(), string(d.Body))
		assert.Zero(t, d.Status)
	}
}

func TestDelaysAndDuplicatesAreOutOfOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		in := &inbox{}
		a := newAPI(t, postpresstest.WithWebhookReceiver(in), postpresstest.WithSeed(1),
			postpresstest.WithWebhookChaos(postpresstest.WebhookChaos{Delayed: 1, Duplicates: 1}))
		a.hook(hookURL, "")
		start := time.Now()
		id := a.change("STOPPED")
		for _, s := range []string{"ERROR", "CREDENTIALS", "OK"} {
			require.NoError(t, a.srv.SetStatus(id, toStatus(s)))
		}
		require.NoError(t, a.srv.WaitDeliveries(t.Context()))
		log := a.srv.Deliveries()
		require.Len(t, log, 8)
		var events []int
		for i, d := range log {
			events = append(events, d.Event)
			assert.NotEqual(t, d.Delayed, d.Duplicate)
			assert.Equal(t, string(d.Body), in.seen()[i])
			assert.LessOrEqual(t, d.Time.Sub(start), 10*time.Second)
		}
		assert.False(t, slices.IsSorted(events), "%v", events)
		slices.Sort(events)
		assert.Equal(t, []int{1, 1, 2, 2, 3, 3, 4, 4}, events)
	})
}

func TestAFailureStaysWhatItIs(t *testing.T) {
	none := transportFunc(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })
	log, _ := run(t, 1, postpresstest.WebhookChaos{LostAnswers: 1}, postpresstest.WithWebhookTransport(none))
	assert.Equal(t, "no route", log[0].Error, "there was no answer that could be lost")
	assert.Equal(t, postpresstest.DeliveryLostAnswer, log[0].Fault)
}

// What chaos sends late or twice does not wait for its turn.
func TestDelaysAndDuplicatesOverlap(t *testing.T) {
	for name, chaos := range map[string]postpresstest.WebhookChaos{
		"delayed": {Delayed: 1, MaxDelay: time.Second}, "duplicates": {Duplicates: 1, MaxDelay: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				in := &inbox{answer: func(http.ResponseWriter, *http.Request) { time.Sleep(20 * time.Second) }}
				a := newAPI(t, postpresstest.WithWebhookReceiver(in), postpresstest.WithWebhookChaos(chaos))
				a.hook(hookURL, "")
				require.NoError(t, a.srv.SetStatus(a.change("STOPPED"), "OK"))
				time.Sleep(2 * time.Second)
				synctest.Wait()
				sending := 0
				for _, d := range a.srv.Deliveries() {
					if d.Outcome == postpresstest.DeliverySending {
						sending++
					}
				}
				assert.Equal(t, map[string]int{"delayed": 2, "duplicates": 3}[name], sending)
				a.srv.Close()
			})
		})
	}
}

// The handler of this module, in a storm, ends with what is true.
func TestTheRealHandlerInAStorm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var h http.Handler
		behind := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) })
		a := newAPI(t, postpresstest.WithSeed(3), postpresstest.WithWebhookChaos(storm), postpresstest.WithWebhookReceiver(behind))
		client := a.srv.Client()
		var latest postpress.Status
		real, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
			Secrets: []string{hookSecret}, Client: client,
			OnChange: func(_ context.Context, account *postpress.Account) error {
				latest = account.Status() // never two at once for one account, and there is one
				return nil
			},
		})
		require.NoError(t, err)
		h = real
		_, err = client.CreateAccountStatusWebhook(t.Context(), hookURL, hookSecret)
		require.NoError(t, err)
		id := a.srv.AddAccount(postpresstest.Account{}).ID
		for i := range 100 {
			status := []postpress.Status{"ERROR", "OK", "CREDENTIALS", "OK", "STOPPED"}[i%5]
			require.NoError(t, a.srv.SetStatus(id, status))
			time.Sleep(time.Second)
		}
		require.NoError(t, a.srv.WaitDeliveries(t.Context()))
		require.NoError(t, real.Shutdown(t.Context()))
		assert.Equal(t, postpress.Status("STOPPED"), latest)
	})
}
