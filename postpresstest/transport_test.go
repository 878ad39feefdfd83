package postpresstest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/postpresstest"
)

func TestRefusedURLs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for url, why := range map[string]string{
			"https://app.test/hook":   "no host but loopback",
			"http://app.test/hook":    "plain http",
			"http://127.0.0.1:1/hook": "synctest bubble",
		} {
			a := newAPI(t, postpresstest.WithWebhookReceiver(nil))
			a.hook(url, "")
			a.change("ERROR")
			require.NoError(t, a.srv.WaitDeliveries(t.Context()))
			log := a.srv.Deliveries()
			require.Len(t, log, 1, "there is no use in trying again")
			assert.Contains(t, log[0].Error, why)
			assert.Equal(t, postpresstest.DeliveryLost, log[0].Outcome)
		}
		a := newAPI(t, postpresstest.WithWebhookReceiver(&inbox{}))
		a.hook("http://app.test/hook", "")
		a.hook("http://localhost/hook", "")
		a.change("ERROR")
		require.NoError(t, a.srv.WaitDeliveries(t.Context()))
		assert.Equal(t, []string{"ERROR lost", "ERROR delivered"}, outcomes(a.srv.Deliveries()))
	})
}

func TestOverLoopback(t *testing.T) {
	before := runtime.NumGoroutine()
	var n atomic.Int32
	in := &inbox{answer: func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) {
		case 1:
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case 2:
			panic(http.ErrAbortHandler)
		}
	}}
	receiver := httptest.NewServer(in)
	defer receiver.Close()
	a := newAPI(t, postpresstest.WithWebhookRetryDelays(0, time.Microsecond))
	a.hook(receiver.URL+"/hook", `,"format":"form"`)
	a.hook(strings.Replace(receiver.URL, "127.0.0.1", "localhost", 1), `,"events":["deleted"]`)
	id := a.change("STOPPED")
	require.NoError(t, a.srv.WaitDeliveries(t.Context()))
	a.do("DELETE", "/accounts/"+id, "")
	require.NoError(t, a.srv.WaitDeliveries(t.Context()))
	log := a.srv.Deliveries()
	require.Len(t, log, 5)
	assert.Equal(t, []int{307, 0, 200}, []int{log[0].Status, log[1].Status, log[2].Status})
	assert.NotEmpty(t, log[1].Error)
	assert.Equal(t, []string{"DELETED delivered", "DELETED delivered"}, outcomes(log[3:]))
	assert.Equal(t, "AccountStatus%5Baccount_id%5D="+id+"&AccountStatus%5Baccount_type%5D=WHATSAPP&AccountStatus%5Bmessage%5D=STOPPED", in.seen()[2])
	assert.Equal(t, []string{"Content-Length"}, keys(in.heads[0]))
	a.srv.Close()
	receiver.Close()
	waitUntil(t, func() bool { return runtime.NumGoroutine() <= before })
}

func keys(h http.Header) (names []string) {
	for name := range h {
		names = append(names, name)
	}
	return names
}

func TestBrokenBodyOverLoopback(t *testing.T) {
	in := &inbox{}
	receiver := httptest.NewServer(in)
	a := newAPI(t, postpresstest.WithWebhookRetryDelays(0), postpresstest.WithWebhookChaos(postpresstest.WebhookChaos{CutBodies: 1}))
	a.hook(receiver.URL, "")
	a.change("STOPPED")
	require.NoError(t, a.srv.WaitDeliveries(t.Context()))
	waitUntil(t, func() bool { return len(in.seen()) == 2 }) // nobody has waited for the answers
	receiver.Close()
	for i, err := range in.errs {
		require.Error(t, err)
		assert.Equal(t, string(a.srv.Deliveries()[i].Body), in.bodies[i])
		assert.Contains(t, a.srv.Deliveries()[i].Error, "within the body")
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTransport(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var hosts []string
		fails := transportFunc(func(r *http.Request) (*http.Response, error) {
			hosts = append(hosts, r.URL.Host)
			return nil, errors.New("no route")
		})
		a := newAPI(t, postpresstest.WithWebhookTransport(fails, nil), postpresstest.WithWebhookRetryDelays())
		a.hook(hookURL, "")
		a.change("STOPPED")
		require.NoError(t, a.srv.WaitDeliveries(t.Context()))
		assert.Equal(t, []string{"app.test"}, hosts)
		assert.Equal(t, "no route", a.srv.Deliveries()[0].Error)
	})
}

func TestDeliveryLogIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ok := transportFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		})
		a := newAPI(t, postpresstest.WithWebhookTransport(ok))
		a.hook(hookURL, "")
		id := a.srv.AddAccount(postpresstest.Account{}).ID
		for i := range 10_001 {
			require.NoError(t, a.srv.SetStatus(id, toStatus(fmt.Sprint("S", i))))
		}
		require.NoError(t, a.srv.WaitDeliveries(t.Context()))
		log := a.srv.Deliveries()
		assert.Len(t, log, 10_000)
		assert.Equal(t, "S1", string(log[0].Message))
	})
}
