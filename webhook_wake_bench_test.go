package postpress_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
	"github.com/postpress-ai/postpress-go/statusbus"
)

const (
	wakeWaiters = 2000
	wakeRate    = 300 // events per second
)

// BenchmarkWebhookWakesWaiter tells how long after a webhook the waiter returns, over
// real sockets: 2,000 wait in this process, each for an account of its own, and 300
// events per second come in. The waiter has read the account by then. Run it with
// -benchtime 1x: an iteration is all 2,000 of them.
//
//	accepted: from the answer 200, as read by the sender
//	sent:     from the moment the sender began
func BenchmarkWebhookWakesWaiter(b *testing.B) {
	for _, v := range []struct {
		name     string
		onChange func(context.Context, *postpress.Account) error
	}{{"bus", nil}, {"bus+OnChange", func(context.Context, *postpress.Account) error { return nil }}} {
		b.Run(v.name, func(b *testing.B) {
			var accepted, sent []time.Duration
			for b.Loop() {
				for _, w := range newWakeWorld(b, v.onChange).run() {
					accepted, sent = append(accepted, w.returned.Sub(w.accepted)), append(sent, w.returned.Sub(w.sent))
				}
			}
			b.ReportMetric(0, "ns/op")
			for _, m := range []struct {
				name string
				all  []time.Duration
			}{{"accepted", accepted}, {"sent", sent}} {
				slices.Sort(m.all)
				for _, p := range []int{50, 99, 100} {
					b.ReportMetric(m.all[(len(m.all)-1)*p/100].Seconds()*1000, fmt.Sprintf("p%d-ms-since-%s", p, m.name))
				}
			}
		})
	}
}

// wakeWorld is an API, a receiver and a client, connected by sockets.
type wakeWorld struct {
	b      *testing.B
	srv    *postpresstest.Server
	client *postpress.Client
	sender *http.Client
	url    string
	ready  sync.WaitGroup // until all have subscribed
	wakes  []wake
}

type wake struct{ sent, accepted, returned time.Time }

// wakeBus tells when somebody has subscribed.
type wakeBus struct {
	statusbus.Bus
	subscribed func()
}

func (b wakeBus) Subscribe(id string, wake func()) (func(), error) {
	defer b.subscribed()
	return b.Bus.Subscribe(id, wake)
}

func newWakeWorld(b *testing.B, onChange func(context.Context, *postpress.Account) error) *wakeWorld {
	w := &wakeWorld{b: b, srv: postpresstest.NewServer(postpresstest.WithHold(0)), wakes: make([]wake, wakeWaiters)}
	b.Cleanup(w.srv.Close)
	bus := wakeBus{statusbus.NewMemory(), w.ready.Done}
	var err error
	w.client, err = postpress.New("pp_test_wake", postpress.WithBaseURL(w.srv.URL+"/v1"), postpress.WithStatusBus(bus))
	require.NoError(b, err)
	b.Cleanup(w.client.Close)
	h, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
		Secrets: []string{hookSecret}, Bus: bus, Client: w.client, OnChange: onChange,
	})
	require.NoError(b, err)
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	b.Cleanup(transport.CloseIdleConnections)
	w.url, w.sender = server.URL, &http.Client{Transport: transport}
	return w
}

func wakeID(i int) string { return fmt.Sprintf("acc_wake_%04d", i) }

func (w *wakeWorld) run() []wake {
	var waits, events sync.WaitGroup
	w.ready.Add(wakeWaiters)
	var failed atomic.Int64
	for i := range w.wakes {
		w.srv.AddAccount(postpresstest.Account{ID: wakeID(i), Status: postpress.StatusConnecting})
		waits.Go(func() {
			if _, err := w.client.WaitForConnection(w.b.Context(), wakeID(i)); err != nil {
				failed.Add(1)
			}
			w.wakes[i].returned = time.Now()
		})
	}
	w.ready.Wait()
	began := time.Now()
	for i := range w.wakes {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / wakeRate)))
		events.Go(func() { w.event(i) })
	}
	events.Wait()
	waits.Wait()
	require.Zero(w.b, failed.Load())
	return w.wakes
}

// event is a change of an account, and the webhook that tells of it.
func (w *wakeWorld) event(i int) {
	if err := w.srv.SetStatus(wakeID(i), postpress.StatusOK); err != nil {
		w.b.Error(err)
	}
	r, err := http.NewRequestWithContext(w.b.Context(), http.MethodPost, w.url, strings.NewReader(hookStatus(wakeID(i), "OK")))
	if err != nil {
		w.b.Error(err)
		return
	}
	r.Header.Set(postpress.DefaultWebhookHeader, hookSecret)
	w.wakes[i].sent = time.Now()
	resp, err := w.sender.Do(r)
	if err != nil {
		w.b.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	w.wakes[i].accepted = time.Now()
	if resp.StatusCode != http.StatusOK {
		w.b.Error(resp.StatusCode)
	}
}
