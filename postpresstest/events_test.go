package postpresstest

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
)

func (s *Server) messages() (all []postpress.Status) {
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	for _, c := range s.accounts.changes {
		all = append(all, c.message)
	}
	s.accounts.changes = nil
	return all
}

func TestChangesAreRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer()
		defer s.Close()
		client := s.Client()
		cp, err := client.StartWhatsAppQR(t.Context())
		require.NoError(t, err)
		id := cp.AccountID
		require.NoError(t, s.Scan(id))
		assert.Equal(t, []postpress.Status{"CONNECTING", "OK", "CREATION_SUCCESS"}, s.messages())
		require.NoError(t, s.SetStatus(id, "SYNC_SUCCESS"))
		require.NoError(t, s.SetStatus(id, "CREDENTIALS"))
		assert.Equal(t, []postpress.Status{"SYNC_SUCCESS", "CREDENTIALS"}, s.messages())
		_, err = client.ReconnectWhatsAppQR(t.Context(), id)
		require.NoError(t, err)
		require.NoError(t, s.SetStatus(id, "CONNECTING"))
		require.NoError(t, s.Expire(id))
		assert.Equal(t, []postpress.Status{"CONNECTING", "CREDENTIALS"}, s.messages(), "back to what it was")
		_, err = client.ReconnectWhatsAppQR(t.Context(), id)
		require.NoError(t, err)
		require.NoError(t, s.Scan(id))
		require.NoError(t, client.DeleteAccount(t.Context(), id))
		assert.Equal(t, []postpress.Status{"CONNECTING", "OK", "RECONNECTED", "DELETED"}, s.messages())

		_, err = client.StartWhatsAppQR(t.Context())
		require.NoError(t, err)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		assert.Equal(t, []postpress.Status{"CREATION_FAIL"}, s.messages(), "when it happens, not when it is asked for")
	})
}

// A replay that meets the first request still running waits for it, unless somebody
// loses patience.
func TestReplayWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer()
		ctx, cancel := context.WithCancel(t.Context())
		r := &request{ctx: ctx, method: http.MethodPost, header: http.Header{"Idempotency-Key": {"k"}}}
		answers := make(chan answer, 2)
		slow := func() answer {
			time.Sleep(time.Minute)
			return jsonAnswer(http.StatusCreated, wireObject{Object: "AccountCreated"})
		}
		never := func() answer { panic("carried out twice") }
		go func() { answers <- s.once(r, slow) }()
		synctest.Wait()
		go func() { answers <- s.once(r, never) }()
		first, second := <-answers, <-answers
		assert.Equal(t, first.body, second.body)

		r.header.Set("Idempotency-Key", "k2")
		go func() { answers <- s.once(r, slow) }()
		synctest.Wait()
		cancel()
		assert.Equal(t, http.StatusServiceUnavailable, s.once(r, never).status, "the client has left")
		r.ctx = t.Context()
		go s.Close()
		assert.Equal(t, http.StatusServiceUnavailable, s.once(r, never).status, "the server is closing")
		<-answers
	})
}

func TestTimersAfterClose(t *testing.T) {
	var ts timers
	ts.close()
	ts.after(0, func() { panic("late") })()
}

func TestQRText(t *testing.T) {
	text := newGenerator(1, streamCodes).qrText()
	assert.Len(t, text, 277)
	assert.Equal(t, 4, strings.Count(text, ","))
}
