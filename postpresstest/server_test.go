package postpresstest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func TestRequestLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t)
		a.do("GET", "/accounts?limit=3", "", "Authorization", "Bearer pp_test_secret")
		id, _ := a.connect(whatsApp)
		held := a.start("GET", "/accounts/"+id, "")
		synctest.Wait()
		log := a.srv.Requests()
		require.Len(t, log, 3)
		assert.Equal(t, "GET", log[0].Method)
		assert.Equal(t, "/accounts", log[0].Path)
		assert.Equal(t, "3", log[0].Query.Get("limit"))
		assert.Equal(t, 200, log[0].Status)
		assert.Equal(t, time.Now(), log[0].Time)
		assert.Equal(t, whatsApp, string(log[1].Body))
		assert.Equal(t, "application/json", log[1].Header.Get("Content-Type"))
		assert.Equal(t, 0, log[2].Status, "still held")
		text, err := json.Marshal(log)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "pp_test_")
		assert.Equal(t, "[redacted]", log[0].Header.Get("X-Api-Key"))
		assert.Equal(t, "[redacted]", log[0].Header.Get("Authorization"))

		log[0].Header.Set("X-Api-Key", "mine")
		log[0].Query.Set("limit", "4")
		log[1].Body[0] = 'x'
		log = a.srv.Requests()
		assert.Equal(t, "[redacted]", log[0].Header.Get("X-Api-Key"), "copies")
		assert.Equal(t, "3", log[0].Query.Get("limit"), "copies")
		assert.Equal(t, whatsApp, string(log[1].Body), "copies")
		require.NoError(t, a.srv.Scan(id))
		<-held
		assert.Equal(t, 200, a.srv.Requests()[2].Status)
	})
}

func TestRequestLogIsBounded(t *testing.T) {
	a := newAPI(t)
	h := a.srv.Handler()
	for i := range 10_001 {
		path := "/v1/a"
		if i == 0 {
			path = "/v1/first"
		}
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	log := a.srv.Requests()
	assert.Len(t, log, 10_000)
	assert.Equal(t, "/a", log[0].Path)
}

func TestCloseReleasesWhatIsHeld(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(...postpresstest.Option) *api) {
		a := start(postpresstest.WithAutoScan(time.Hour))
		id, _ := a.connect(whatsApp)
		a.srv.Inject(postpresstest.Fault{Path: "/webhooks", Latency: time.Hour})
		a.srv.Inject(postpresstest.Fault{Path: "/accounts", Kind: postpresstest.FaultStall})
		held := a.start("GET", "/accounts/"+id, "")
		slow := a.start("GET", "/webhooks", "")
		stalled := a.start("GET", "/accounts", "")
		half, giveUp := a.halfARequest()
		waitUntil(t, func() bool { return len(a.srv.Requests()) == 4 })
		a.srv.Close()
		a.srv.Close()
		assert.Equal(t, http.StatusServiceUnavailable, waitFor(t, held).status)
		assert.Equal(t, http.StatusServiceUnavailable, waitFor(t, slow).status)
		require.Error(t, (<-stalled).err)
		giveUp() // net/http waits for the body it was given, even where nobody is left to read it
		require.Error(t, (<-half).err)

		_, err := a.try("GET", "/accounts", "")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.ErrorIs(t, a.srv.Scan("acc_none"), postpresstest.ErrUnknownAccount)
		w := httptest.NewRecorder()
		a.srv.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/accounts", nil))
		assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	})
}

// halfARequest begins a request whose body does not come to its end.
func (a *api) halfARequest() (answered <-chan reply, giveUp func()) {
	body, end := io.Pipe()
	req := a.request("POST", "/accounts", "")
	req.Body = body
	done := make(chan reply, 1)
	go func() {
		resp, err := a.client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			err = io.ErrUnexpectedEOF // an answer to what was never sent whole is no success either
		}
		done <- reply{err: err}
	}()
	_, _ = end.Write([]byte("{"))
	return done, func() { _ = end.CloseWithError(io.ErrClosedPipe) }
}

// waitUntil polls without a clock: it gives way until the condition holds.
func waitUntil(t *testing.T, condition func() bool) {
	t.Helper()
	for t.Context().Err() == nil && !condition() {
		runtime.Gosched()
	}
}

func TestCloseOnAClientThatLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t)
		id, _ := a.connect(whatsApp)
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, err := a.client.Do(a.request("GET", "/accounts/"+id, "").WithContext(ctx)) //nolint:bodyclose // there is none
			gone <- err
		}()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-gone, context.Canceled)
		synctest.Wait()
		assert.NotZero(t, a.srv.Requests()[1].Status, "the handler has noticed")
	})
}

// In a bubble synctest itself would complain of goroutines that are left.
func TestNoGoroutineOutlivesClose(t *testing.T) {
	before := runtime.NumGoroutine()
	a := newAPI(t, postpresstest.WithAutoScan(time.Hour))
	transport := &http.Transport{}
	for _, rt := range []http.RoundTripper{transport, a.srv.RoundTripper()} {
		a.client = &http.Client{Transport: rt}
		a.connect(whatsApp)
		a.srv.Inject(postpresstest.Fault{Kind: postpresstest.FaultReset})
		_, err := a.try("POST", "/accounts", whatsApp)
		require.Error(t, err)
		a.connect(whatsApp)
	}
	a.srv.Close()
	transport.CloseIdleConnections()
	waitUntil(t, func() bool { return runtime.NumGoroutine() <= before })
}

func TestMounted(t *testing.T) {
	a := newAPI(t)
	outer := httptest.NewTLSServer(a.srv.Handler())
	defer outer.Close()
	a.base, a.client = outer.URL+"/api/v1", outer.Client()
	id, _ := a.connect(whatsApp)
	held := a.start("GET", "/accounts/"+id, "")
	waitUntil(t, func() bool { return len(a.srv.Requests()) == 2 })
	a.srv.Close()
	assert.Equal(t, http.StatusServiceUnavailable, waitFor(t, held).status)
}

func TestInMemoryTakesAnyHost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t)
		assert.Equal(t, "http://localhost", a.srv.URL)
		a.base = "https://api.postpress.ai/v1"
		assert.Equal(t, http.StatusOK, a.do("GET", "/accounts", "").status)
	})
}

func TestLoopbackURL(t *testing.T) {
	srv := postpresstest.NewServer(nil)
	defer srv.Close()
	assert.True(t, strings.HasPrefix(srv.URL, "http://127.0.0.1:"), srv.URL)
	conn, err := net.Dial("tcp", strings.TrimPrefix(srv.URL, "http://"))
	require.NoError(t, err)
	srv.Close() // a connection without a request does not hold it up
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
	_ = conn.Close()
}

func TestClient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		srv := postpresstest.NewServer(postpresstest.WithAPIKey("pp_test_mine"))
		defer srv.Close()
		client := srv.Client()
		cp, err := client.StartWhatsAppQR(t.Context())
		require.NoError(t, err)
		time.AfterFunc(4*time.Minute, func() { assert.NoError(t, srv.ScanAs(cp.AccountID, "33612345678")) })
		account, err := client.WaitForConnection(t.Context(), cp.AccountID)
		require.NoError(t, err)
		assert.Equal(t, "33612345678", account.PhoneNumber())
		assert.Panics(t, func() { srv.Client(postpress.WithBaseURL(":")) })
	})
}

func TestClientSeesTheIntentEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		srv := postpresstest.NewServer()
		defer srv.Close()
		client := srv.Client()
		cp, err := client.StartWhatsAppPairing(t.Context(), "33612345678")
		require.NoError(t, err)
		_, err = client.WaitForConnection(t.Context(), cp.AccountID)
		require.ErrorIs(t, err, postpress.ErrIntentExpired)

		old := srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})
		_, err = client.ReconnectWhatsAppQR(t.Context(), old.ID)
		require.NoError(t, err)
		_, err = client.WaitForConnection(t.Context(), old.ID, postpress.WithReconnect())
		require.ErrorIs(t, err, postpress.ErrIntentExpired)
		account, err := client.GetAccount(t.Context(), old.ID)
		require.NoError(t, err)
		assert.Equal(t, postpress.StatusCredentials, account.Status())
	})
}

func TestManyAtOnce(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(...postpresstest.Option) *api) {
		a := start(postpresstest.WithRateLimit(1_000_000, time.Second))
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				r, err := a.try("POST", "/accounts", whatsApp)
				if !assert.NoError(t, err) {
					return
				}
				var started struct {
					ID string `json:"account_id"`
				}
				assert.NoError(t, json.NewDecoder(bytes.NewBufferString(r.body)).Decode(&started))
				held := a.start("GET", "/accounts/"+started.ID, "")
				a.srv.Inject(postpresstest.Fault{Path: "/webhooks", Status: 500})
				a.srv.Requests()
				a.srv.Accounts()
				assert.NoError(t, a.srv.Scan(started.ID))
				got := <-held
				assert.NoError(t, got.err)
				assert.Equal(t, http.StatusOK, got.status)
			})
		}
		all.Wait()
		assert.Len(t, a.srv.Accounts(), 20)
	})
}
