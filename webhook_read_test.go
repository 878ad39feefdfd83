package postpress_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/postpresstest"
)

// The API is down, then up again: the event is not lost.
func TestOnChangeReadFails(t *testing.T) {
	for name, fault := range map[string]postpresstest.Fault{
		"down":      {Status: 503},
		"limited":   {Status: 429},
		"key":       {Status: 401},
		"reset":     {Kind: postpresstest.FaultReset, Times: 2}, // net/http tries again by itself
		"not found": {Status: 404},                              // not yet readable, perhaps
		"hangs":     {Latency: time.Hour},
		"page":      {Kind: postpresstest.FaultHTML, Status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			hookBubble(t, func(t *testing.T, w *hookWorld) {
				w.add("CREDENTIALS")
				w.srv.Inject(fault)
				assert.Equal(t, 503, w.send("CREDENTIALS"))
				assert.Empty(t, w.told())
				w.srv.ClearFaults()
				assert.Equal(t, 200, w.send("CREDENTIALS"))
				assert.Equal(t, []string{"a CREDENTIALS"}, w.told())
			})
		})
	}
}

func TestOnChangeDeleted(t *testing.T) {
	hookBubble(t, func(t *testing.T, w *hookWorld) {
		w.add("OK")
		require.NoError(t, w.srv.Client().DeleteAccount(t.Context(), "a"))
		assert.Equal(t, 200, w.send("DELETED"))
		assert.Equal(t, []string{"a DELETED"}, w.told())
		assert.Zero(t, w.raws)
		assert.Equal(t, 200, w.send("OK"), "a late one is no reason to come again")
		assert.Equal(t, []string{"a DELETED", "a DELETED"}, w.told())
		w.add("OK")
		assert.Equal(t, 200, w.send("OK"))
		assert.Equal(t, []string{"a DELETED", "a DELETED", "a OK"}, w.told())
	})
}

// That the API is down does not mean that the account is gone.
func TestOnChangeDeletedPerhaps(t *testing.T) {
	hookBubble(t, func(t *testing.T, w *hookWorld) {
		w.add("OK")
		w.srv.Inject(postpresstest.Fault{Status: 503})
		assert.Equal(t, 503, w.send("DELETED"))
		w.srv.Inject(postpresstest.Fault{Latency: time.Hour})
		assert.Equal(t, 503, w.send("DELETED"))
		assert.Empty(t, w.told())
	})
}

// Which of the hints for one read says so does not matter.
func TestOnChangeDeletedAmongOthers(t *testing.T) {
	hookBubble(t, func(t *testing.T, w *hookWorld) {
		w.add("OK")
		assert.Equal(t, 200, w.send("OK"))
		trailing := w.async("CONNECTING")
		synctest.Wait()
		deleted := w.async("DELETED")
		synctest.Wait()
		late := w.async("OK")
		synctest.Wait()
		require.NoError(t, w.srv.Client().DeleteAccount(t.Context(), "a"))
		for _, code := range []<-chan int{trailing, deleted, late} {
			assert.Equal(t, 200, <-code)
		}
		assert.Equal(t, []string{"a OK", "a DELETED"}, w.told())
	})
}

// A new account whose five minutes are over: the API answers 408, then 400.
func TestOnChangeCreationFails(t *testing.T) {
	hookBubble(t, func(t *testing.T, w *hookWorld) {
		checkpoint, err := w.srv.Client().StartWhatsAppQR(t.Context())
		require.NoError(t, err)
		id := checkpoint.AccountID
		require.NoError(t, w.srv.Expire(id))
		for range 3 {
			assert.Equal(t, 200, hookSend(t.Context(), w.h, id, "CREATION_FAIL"))
		}
		assert.Equal(t, slices.Repeat([]string{id + " CREATION_FAIL"}, 3), w.told())
	})
}

// The API holds the read of an account that is being linked. That is no failure,
// and the read may be the first to know how it ends.
func TestOnChangeWhileLinking(t *testing.T) {
	hookBubble(t, func(t *testing.T, w *hookWorld) {
		checkpoint, err := w.srv.Client().StartWhatsAppQR(t.Context())
		require.NoError(t, err)
		id, began := checkpoint.AccountID, time.Now()
		assert.Equal(t, 200, hookSend(t.Context(), w.h, id, "CONNECTING"))
		assert.Equal(t, 5*time.Second, time.Since(began))
		assert.Empty(t, w.told())

		held := hookAsync(t.Context(), w.h, id, "CONNECTING")
		synctest.Wait()
		require.NoError(t, w.srv.Scan(id))
		assert.Equal(t, 200, <-held)
		assert.Equal(t, 5*time.Second, time.Since(began))
		assert.Equal(t, []string{id + " OK"}, w.told())

		other, err := w.srv.Client().StartWhatsAppQR(t.Context())
		require.NoError(t, err)
		first := hookAsync(t.Context(), w.h, other.AccountID, "CONNECTING")
		synctest.Wait()
		trailing := hookAsync(t.Context(), w.h, other.AccountID, "CONNECTING")
		synctest.Wait()
		more := hookAsync(t.Context(), w.h, other.AccountID, "CREDENTIALS")
		assert.Equal(t, 200, <-first)
		assert.Equal(t, 503, <-more, "it says more, so it must be read")
		assert.Equal(t, 503, <-trailing)
	})
}
