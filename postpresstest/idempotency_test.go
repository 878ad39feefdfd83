package postpresstest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/postpresstest"
)

func TestReplay(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(...postpresstest.Option) *api) {
		a := start()
		first := a.do("POST", "/accounts", whatsApp, "Idempotency-Key", "k")
		again := a.do("POST", "/accounts", whatsApp, "Idempotency-Key", "k")
		assert.Equal(t, first.status, again.status)
		assert.Equal(t, first.body, again.body)
		assert.Equal(t, first.header.Get("X-Request-Id"), again.header.Get("X-Request-Id"))
		assert.Empty(t, first.header.Get("Idempotent-Replayed"))
		assert.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
		assert.Len(t, a.srv.Accounts(), 1)
		log := a.srv.Requests()
		assert.False(t, log[0].Replayed)
		assert.True(t, log[1].Replayed)
		assert.Equal(t, log[0].RequestID, log[1].RequestID)

		other := a.do("POST", "/accounts", pairing, "Idempotency-Key", "k")
		assert.Equal(t, http.StatusUnprocessableEntity, other.status)
		assert.Equal(t, "unprocessable_entity", other.kind(t))
		a.do("POST", "/accounts", whatsApp, "Idempotency-Key", "k", "X-API-KEY", "pp_test_y")
		a.do("POST", "/accounts", whatsApp, "Idempotency-Key", "k2")
		a.do("POST", "/accounts", whatsApp)
		assert.Len(t, a.srv.Accounts(), 4, "another caller, another key, no key")
	})
}

func TestReplayKeepsRefusalsButNotThoseToGetPast(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t)
		first := a.do("POST", "/accounts", `{}`, "Idempotency-Key", "bad")
		assert.Equal(t, first.body, a.do("POST", "/accounts", `{}`, "Idempotency-Key", "bad").body)

		id, _ := a.connect(whatsApp)
		path := "/accounts/" + id
		assert.Equal(t, http.StatusTooEarly, a.do("POST", path, whatsApp, "Idempotency-Key", "r").status)
		time.Sleep(time.Minute)
		assert.Equal(t, http.StatusAccepted, a.do("POST", path, whatsApp, "Idempotency-Key", "r").status)
		time.Sleep(4 * time.Minute)
		assert.Equal(t, http.StatusRequestTimeout, a.do("POST", path, whatsApp, "Idempotency-Key", "s").status)
		assert.Equal(t, http.StatusBadRequest, a.do("POST", path, whatsApp, "Idempotency-Key", "s").status)
	})
}

// The handlers never take long, so what a replay waits for is not easily seen from
// outside: many at once must still be one.
func TestReplayOfOneThatStillRuns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t)
		var all []<-chan reply
		for range 20 {
			all = append(all, a.start("POST", "/accounts", whatsApp, "Idempotency-Key", "k"))
		}
		body := ""
		for _, c := range all {
			r := <-c
			require.NoError(t, r.err)
			require.Equal(t, http.StatusAccepted, r.status)
			if body == "" {
				body = r.body
			}
			assert.Equal(t, body, r.body)
		}
		assert.Len(t, a.srv.Accounts(), 1)
		synctest.Wait()
	})
}

func TestNoReplayOfGetAndDelete(t *testing.T) {
	a := newAPI(t)
	path := "/accounts/" + a.srv.AddAccount(postpresstest.Account{}).ID
	a.do("GET", path, "", "Idempotency-Key", "k")
	assert.Equal(t, http.StatusOK, a.do("DELETE", path, "", "Idempotency-Key", "k").status)
	assert.Equal(t, http.StatusNotFound, a.do("DELETE", path, "", "Idempotency-Key", "k").status)
	assert.Equal(t, http.StatusNotFound, a.do("GET", path, "", "Idempotency-Key", "k").status)
}
