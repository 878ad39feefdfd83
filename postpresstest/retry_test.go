package postpresstest_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func toStatus(text string) postpress.Status { return postpress.Status(text) }

// change has an account change its status, and the webhook fire.
func (a *api) change(to string) (id string) {
	a.t.Helper()
	id = a.srv.AddAccount(postpresstest.Account{}).ID
	require.NoError(a.t, a.srv.SetStatus(id, toStatus(to)))
	return id
}

func TestRetrySchedule(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for code, retried := range map[int]bool{200: false, 201: true, 202: true, 204: true, 302: true, 307: true, 401: true, 410: true, 503: true} {
			in := &inbox{answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(code)
			}}
			a := newAPI(t, postpresstest.WithWebhookReceiver(in))
			a.hook(hookURL, "")
			start := time.Now()
			a.change("STOPPED")
			require.NoError(t, a.srv.WaitDeliveries(t.Context()))
			log := a.srv.Deliveries()
			if !retried {
				require.Len(t, log, 1)
				assert.Equal(t, start, time.Now())
				continue
			}
			want := []time.Duration{0, time.Second, 6 * time.Second, 36 * time.Second, 156 * time.Second, 756 * time.Second}
			assert.Equal(t, want, in.after(start), code)
			require.Len(t, log, 6, "redirects are not followed")
			for i, d := range log {
				assert.Equal(t, want[i], d.Time.Sub(start))
				assert.Equal(t, []int{i + 1, code, 1}, []int{d.Attempt, d.Status, d.Event})
				assert.Empty(t, d.Error)
			}
			assert.Equal(t, append(strings.Split(strings.Repeat("STOPPED retrying,", 5), ",")[:5], "STOPPED lost"), outcomes(log))
		}
	})
}

func TestRetryDelaysAreConfigurable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, c := range []struct {
			delays []time.Duration
			want   int
		}{{nil, 1}, {[]time.Duration{0, 2 * time.Hour}, 3}, {[]time.Duration{time.Second, -1}, 6}} {
			in := &inbox{answer: answering(500)}
			a := newAPI(t, postpresstest.WithWebhookReceiver(in, nil), postpresstest.WithWebhookRetryDelays(c.delays...))
			a.hook(hookURL, "")
			a.change("ERROR")
			require.NoError(t, a.srv.WaitDeliveries(t.Context()))
			assert.Len(t, in.seen(), c.want)
		}
	})
}

func TestAnAnswerMustComeInTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, c := range []struct {
			limit, takes time.Duration
			intime       bool
		}{{0, 30*time.Second - 1, true}, {0, 30*time.Second + 1, false}, {time.Minute, 31 * time.Second, true}} {
			in := &inbox{answer: func(_ http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(c.takes):
				case <-r.Context().Done(): // the sender has hung up
				}
			}}
			a := newAPI(t, postpresstest.WithWebhookReceiver(in), postpresstest.WithWebhookTimeout(c.limit))
			a.hook(hookURL, "")
			start := time.Now()
			a.change("ERROR")
			synctest.Wait()
			assert.Equal(t, []string{"ERROR sending"}, outcomes(a.srv.Deliveries()))
			time.Sleep(c.takes + 1)
			synctest.Wait()
			d := a.srv.Deliveries()[0]
			if c.intime {
				assert.Equal(t, "delivered ", string(d.Outcome)+" "+d.Error)
				continue
			}
			assert.Equal(t, "retrying no answer within 30s", string(d.Outcome)+" "+d.Error)
			assert.Zero(t, d.Status)
			time.Sleep(time.Minute)
			assert.Equal(t, []time.Duration{0, 31 * time.Second, 66 * time.Second}, in.after(start), "the delay begins with the failure")
		}
	})
}

// One webhook gets one event after the other, a slow one included; the others do not wait.
func TestOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var now, most atomic.Int32
		slow := &inbox{answer: func(http.ResponseWriter, *http.Request) {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(20 * time.Second)
			now.Add(-1)
		}}
		fast := &inbox{}
		mux := http.NewServeMux()
		mux.Handle("/slow", slow)
		mux.Handle("/fast", fast)
		a := newAPI(t, postpresstest.WithWebhookReceiver(mux))
		a.hook("https://app.test/slow", "")
		a.hook("https://app.test/fast", "")
		id := a.change("STOPPED")
		for _, s := range []string{"ERROR", "CREDENTIALS", "OK"} {
			require.NoError(t, a.srv.SetStatus(id, toStatus(s)))
		}
		synctest.Wait()
		assert.Len(t, fast.seen(), 4)
		assert.Len(t, slow.seen(), 1)
		require.NoError(t, a.srv.WaitDeliveries(t.Context()))
		assert.Equal(t, fast.seen(), slow.seen())
		assert.EqualValues(t, 1, most.Load())
		for i, s := range []string{"STOPPED", "ERROR", "CREDENTIALS", "OK"} {
			assert.Contains(t, slow.seen()[i], `"message":"`+s+`"`)
		}
	})
}

// A failed event does not hold up those after it, so it arrives late.
func TestRetriesAreOvertaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var n atomic.Int32
		in := &inbox{answer: func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) == 1 {
				w.WriteHeader(503)
			}
		}}
		a := newAPI(t, postpresstest.WithWebhookReceiver(in))
		a.hook(hookURL, "")
		require.NoError(t, a.srv.SetStatus(a.change("STOPPED"), "OK"))
		require.NoError(t, a.srv.WaitDeliveries(t.Context()))
		assert.Equal(t, []string{"STOPPED retrying", "OK delivered", "STOPPED delivered"}, outcomes(a.srv.Deliveries()))
	})
}

func TestADeletedWebhookGetsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		in := &inbox{answer: answering(500)}
		a := newAPI(t, postpresstest.WithWebhookReceiver(in))
		hook := a.hook(hookURL, "")
		a.change("ERROR")
		synctest.Wait()
		assert.Equal(t, []string{"ERROR retrying"}, outcomes(a.srv.Deliveries()))
		a.do("DELETE", "/webhooks/"+hook, "")
		require.NoError(t, a.srv.WaitDeliveries(t.Context()))
		assert.Equal(t, []string{"ERROR lost"}, outcomes(a.srv.Deliveries()))
		assert.Len(t, in.seen(), 1)
	})
}

func TestWaitDeliveries(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t, postpresstest.WithWebhookReceiver(&inbox{answer: answering(500)}))
		require.NoError(t, a.srv.WaitDeliveries(t.Context()), "nothing to wait for")
		a.hook(hookURL, "")
		a.change("ERROR")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, a.srv.WaitDeliveries(ctx), context.DeadlineExceeded)
		waited := make(chan error)
		go func() { waited <- a.srv.WaitDeliveries(t.Context()) }()
		synctest.Wait()
		a.srv.Close()
		require.NoError(t, <-waited)
		before := len(a.srv.Deliveries())
		a.change("STOPPED")
		time.Sleep(time.Hour)
		assert.Len(t, a.srv.Deliveries(), before)
	})
}

func TestCloseWaitsForWhatIsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		in := &inbox{answer: func(http.ResponseWriter, *http.Request) { time.Sleep(10 * time.Second) }}
		a := newAPI(t, postpresstest.WithWebhookReceiver(in))
		hook := a.hook(hookURL, "")
		require.NoError(t, a.srv.SetStatus(a.change("ERROR"), "OK"))
		synctest.Wait()
		a.do("DELETE", "/webhooks/"+hook, "")
		start := time.Now()
		a.srv.Close()
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.Equal(t, []string{"ERROR delivered"}, outcomes(a.srv.Deliveries()), "the second was not begun")
	})
}
