package postpress_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// hookWorld is a double of the API and a handler with OnChange, in virtual time.
type hookWorld struct {
	t   *testing.T
	srv *postpresstest.Server
	h   *postpress.WebhookHandler

	mu    sync.Mutex
	calls []string // of OnChange: id and status
	raws  int      // of them with Raw
	fail  error
	began time.Time
}

func hookBubble(t *testing.T, f func(t *testing.T, w *hookWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &hookWorld{t: t, srv: postpresstest.NewServer(), began: time.Now()}
		client := w.srv.Client()
		h, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
			Secrets: []string{hookSecret}, Client: client, OnChange: w.onChange,
		})
		require.NoError(t, err)
		w.h = h
		f(t, w)
		require.NoError(t, h.Close())
		client.Close()
		w.srv.Close()
	})
}

func (w *hookWorld) onChange(_ context.Context, a *postpress.Account) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, a.ID+" "+string(a.Status()))
	if a.Raw != nil {
		w.raws++
	}
	return w.fail
}

func (w *hookWorld) add(status postpress.Status) string {
	return w.srv.AddAccount(postpresstest.Account{ID: "a", Status: status}).ID
}

func (w *hookWorld) set(status postpress.Status) {
	w.t.Helper()
	require.NoError(w.t, w.srv.SetStatus("a", status))
}

func (w *hookWorld) send(status string) int { return hookSend(w.t.Context(), w.h, "a", status) }

func (w *hookWorld) async(status string) <-chan int {
	return hookAsync(w.t.Context(), w.h, "a", status)
}

// reads are the times at which accounts were read.
func (w *hookWorld) reads() (at []time.Duration) {
	for _, r := range w.srv.Requests() {
		if r.Method == http.MethodGet {
			at = append(at, r.Time.Sub(w.began))
		}
	}
	return at
}

func (w *hookWorld) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls
}

// Events that come often share reads, ever further apart; the first few do not have to wait.
func TestOnChangeCoalesces(t *testing.T) {
	hookBubble(t, func(t *testing.T, w *hookWorld) {
		w.add("OK")
		assert.Equal(t, 200, w.send("CREATION_SUCCESS"))
		assert.Equal(t, []string{"a OK"}, w.told())
		others := w.burst(50)
		w.set("CREDENTIALS")
		assert.Equal(t, []string{"a OK"}, w.told())
		for _, code := range others {
			assert.Equal(t, 200, <-code)
		}
		assert.Equal(t, []time.Duration{0, 100 * time.Millisecond}, w.reads())
		assert.Equal(t, []string{"a OK", "a CREDENTIALS"}, w.told())
		assert.Equal(t, 2, w.raws)

		for range 100 {
			assert.Equal(t, 200, w.send("CREDENTIALS"))
		}
		reads := w.reads()[1:]
		for i, gap := range []time.Duration{200, 400, 800, 1600, 2000, 2000, 2000} {
			assert.Equal(t, gap*time.Millisecond, reads[i+1]-reads[i])
		}

		time.Sleep(5 * time.Second) // virtual: a rest
		began := time.Now()
		assert.Equal(t, 200, w.send("CREDENTIALS"))
		assert.Equal(t, 200, w.send("CREDENTIALS"), "another replica may have told of a change between")
		assert.Equal(t, 100*time.Millisecond, time.Since(began))
		assert.Len(t, w.told(), 104)
	})
}

// burst sends many events at once, and returns when all wait.
func (w *hookWorld) burst(n int) (codes []<-chan int) {
	for range n {
		codes = append(codes, w.async("CREDENTIALS"))
	}
	synctest.Wait()
	return codes
}

// Nobody is told that all is well before it is: the one who reads may have been on its last attempt.
func TestOnChangeSharesTheOutcome(t *testing.T) {
	hookBubble(t, func(t *testing.T, w *hookWorld) {
		w.add("OK")
		assert.Equal(t, 200, w.send("OK"))
		others := w.burst(5)
		w.srv.Inject(postpresstest.Fault{Status: 503})
		for _, code := range others {
			assert.Equal(t, 503, <-code)
		}
		w.fail = errors.New("no")
		others = w.burst(5)
		w.set("STOPPED")
		for _, code := range others {
			assert.Equal(t, 500, <-code)
		}
		assert.Len(t, w.reads(), 3)
	})
}

// An event says what it likes: OnChange is called with what is read. A replayed event changes nothing.
func TestOnChangeTrustsTheReadAlone(t *testing.T) {
	hookBubble(t, func(t *testing.T, w *hookWorld) {
		w.add("OK")
		for _, lie := range []string{"CREDENTIALS", "DELETED", "OK", "NEW_WORD", ""} {
			assert.Equal(t, 200, w.send(lie))
		}
		assert.Equal(t, []string{"a OK", "a OK", "a OK", "a OK", "a OK"}, w.told())
		assert.Equal(t, 200, hookSend(t.Context(), w.h, "../a", "OK"), "no id, no read")
		assert.Len(t, w.reads(), 5)
	})
}

func TestOnChangeIsAskedAgainAfterAnError(t *testing.T) {
	hookBubble(t, func(t *testing.T, w *hookWorld) {
		w.add("OK")
		w.fail = errors.New("no")
		assert.Equal(t, 500, w.send("OK"))
		w.fail = nil
		assert.Equal(t, 200, w.send("OK"))
		assert.Equal(t, []string{"a OK", "a OK"}, w.told())
	})
}

// A deploy does not wait for the window, and loses nothing.
func TestOnChangeShutdown(t *testing.T) {
	hookBubble(t, func(t *testing.T, w *hookWorld) {
		w.add("OK")
		assert.Equal(t, 200, w.send("OK"))
		trailing := w.async("STOPPED")
		synctest.Wait()
		w.set("STOPPED")
		began := time.Now()
		require.NoError(t, w.h.Shutdown(t.Context()))
		assert.Zero(t, time.Since(began))
		assert.Equal(t, 200, <-trailing)
		assert.Equal(t, []string{"a OK", "a STOPPED"}, w.told())
	})
}

// Calls for one account come one after the other, those for others do not wait.
func TestOnChangeOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := postpresstest.NewServer()
		defer srv.Close()
		client := srv.Client()
		defer client.Close()
		srv.AddAccount(postpresstest.Account{ID: "a"})
		srv.AddAccount(postpresstest.Account{ID: "b"})
		var mu sync.Mutex
		running := map[string]int{}
		h, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
			Secrets: []string{hookSecret}, Client: client,
			OnChange: func(_ context.Context, a *postpress.Account) error {
				mu.Lock()
				running[a.ID]++
				assert.Equal(t, 1, running[a.ID])
				mu.Unlock()
				time.Sleep(3 * time.Second) // virtual
				mu.Lock()
				running[a.ID]--
				mu.Unlock()
				return errors.New("so that the next one calls again")
			},
		})
		require.NoError(t, err)
		defer h.Close()
		began := time.Now()
		codes := []<-chan int{hookAsync(t.Context(), h, "a", "OK"), hookAsync(t.Context(), h, "b", "OK")}
		synctest.Wait()
		codes = append(codes, hookAsync(t.Context(), h, "a", "OK"))
		for _, code := range codes {
			assert.Equal(t, 500, <-code)
		}
		assert.Equal(t, 6*time.Second, time.Since(began))
	})
}

// That an account is gone is remembered for an hour: a late event of before is then understood.
func TestOnChangeForgets(t *testing.T) {
	hookBubble(t, func(t *testing.T, w *hookWorld) {
		assert.Equal(t, 200, w.send("DELETED"))
		time.Sleep(59 * time.Minute) // virtual
		assert.Equal(t, 200, w.send("OK"))
		time.Sleep(time.Hour) // virtual
		assert.Equal(t, 200, hookSend(t.Context(), w.h, "b", "DELETED"), "it is another account that makes room")
		assert.Equal(t, 503, w.send("OK"))
		assert.Equal(t, []string{"a DELETED", "a DELETED", "b DELETED"}, w.told())
	})
}
