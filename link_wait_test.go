package postpress

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/postpress-ai/postpress-go/internal/transport"
)

// What the answers about an account say of its phone.
func TestLinkEar(t *testing.T) {
	cut := &RequestError{Err: errors.New("cut"), kind: transport.Lost}
	absent := &APIError{StatusCode: 404}
	type answer struct {
		after  time.Duration
		status Status
		err    error
	}
	for name, c := range map[string]struct {
		reconnect bool
		answers   []answer
		want      bool
	}{
		"reconnect":               {true, []answer{{0, StatusCredentials, nil}, {2, StatusConnecting, nil}}, true},
		"reconnect, first answer": {true, []answer{{0, StatusConnecting, nil}}, true},
		"reconnect, pending":      {true, []answer{{0, StatusCredentials, nil}, {25, StatusCredentials, nil}}, false},
		"new, from the start":     {false, []answer{{0, StatusConnecting, nil}, {2, StatusConnecting, nil}, {3, StatusConnecting, nil}}, false},
		"new, held, then quick":   {false, []answer{{25, "", nil}, {12, StatusConnecting, nil}, {2, StatusConnecting, nil}}, true},
		"new, cut, then quick":    {false, []answer{{10, "", cut}, {1, StatusConnecting, nil}}, true},
		"new, held by the API":    {false, []answer{{20, StatusConnecting, nil}, {20, StatusConnecting, nil}}, false},
		"new, lost at once":       {false, []answer{{1, "", cut}, {2, StatusConnecting, nil}}, false},
		"new, not there yet":      {false, []answer{{2, "", absent}, {6, "", absent}, {2, StatusConnecting, nil}}, false},
		"new, an error beside it": {false, []answer{{25, "", nil}, {2, StatusConnecting, absent}}, false},
	} {
		ear, elapsed := &ear{reconnect: c.reconnect}, time.Duration(0)
		for i, a := range c.answers {
			elapsed += a.after * time.Second
			ear.hear(WaitProgress{Status: a.status, Err: a.err, Elapsed: elapsed, Polls: i + 1})
		}
		assert.Equal(t, c.want, ear.answered, name)
	}
}

// A wait that has ended before the challenge was there saw the end of the one before.
func TestLinkWaitOfTheChallengeBefore(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(held(time.Hour, nil))
		cp := &Checkpoint{AccountID: waitID, QRCode: "x", IssuedAt: time.Now().Add(time.Second), ExpiresAt: time.Now().Add(time.Minute)}
		rec := newLinkRecord(LinkRequest{}, linkConfig{timeout: time.Minute})
		link := api.client.begin(LinkRequest{}, linkConfig{}, rec, func() {}, func(e *engine) {
			e.show(waitID, cp)
			e.lost(report{id: waitID, ended: time.Now(), err: &WaitError{Err: ErrIntentExpired}})
			assert.False(t, e.over)
			assert.Contains(t, e.waits, waitID, "waited for again")
			time.Sleep(2 * time.Second)
			e.lost(report{id: waitID, ended: time.Now(), err: &WaitError{Err: ErrIntentExpired}})
			assert.True(t, e.over)
		})
		_, err := link.Wait(t.Context())
		assert.ErrorIs(t, err, ErrIntentExpired)
	})
}
