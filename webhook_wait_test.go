package postpress_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// A hint that has spent its time in OnEvent does not wait for the read of another.
func TestOnChangeWaitsForOthersNoLongerThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := postpresstest.NewServer()
		defer srv.Close()
		client := srv.Client()
		defer client.Close()
		srv.AddAccount(postpresstest.Account{ID: "a"})
		h, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
			Secrets: []string{hookSecret}, Client: client, CallbackTimeout: 3 * time.Second,
			OnEvent: func(_ context.Context, e *postpress.WebhookEvent) error {
				if e.Status == "STOPPED" {
					time.Sleep(2500 * time.Millisecond) // virtual
				}
				return nil
			},
			OnChange: func(context.Context, *postpress.Account) error { return nil },
		})
		require.NoError(t, err)
		defer h.Close()
		for range 5 { // so that reads are far apart
			assert.Equal(t, 200, hookSend(t.Context(), h, "a", "OK"))
		}
		slow := hookAsync(t.Context(), h, "a", "STOPPED")
		time.Sleep(2 * time.Second) // virtual
		assert.Equal(t, 200, hookSend(t.Context(), h, "a", "OK"))
		waits := hookAsync(t.Context(), h, "a", "OK")
		assert.Equal(t, 503, <-slow)
		assert.Equal(t, 200, <-waits)
	})
}

// A hint that would have to wait longer than CallbackTimeout fails, and leaves no trace.
func TestOnChangeWaitsNoLongerThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := postpresstest.NewServer()
		defer srv.Close()
		client := srv.Client()
		defer client.Close()
		srv.AddAccount(postpresstest.Account{ID: "a"})
		h, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
			Secrets: []string{hookSecret}, Client: client, CallbackTimeout: 700 * time.Millisecond,
			OnChange: func(context.Context, *postpress.Account) error { return nil },
		})
		require.NoError(t, err)
		defer h.Close()
		for range 4 {
			assert.Equal(t, 200, hookSend(t.Context(), h, "a", "OK"))
		}
		began := time.Now()
		assert.Equal(t, 503, hookSend(t.Context(), h, "a", "OK"), "the next read is 800 ms away")
		assert.Equal(t, 700*time.Millisecond, time.Since(began))
		time.Sleep(100 * time.Millisecond) // virtual
		began = time.Now()
		assert.Equal(t, 200, hookSend(t.Context(), h, "a", "OK"))
		assert.Zero(t, time.Since(began))
	})
}

// One who waits for another's callback does not hold up Close.
func TestOnChangeCloseWhileQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := postpresstest.NewServer()
		defer srv.Close()
		client := srv.Client()
		defer client.Close()
		srv.AddAccount(postpresstest.Account{ID: "a"})
		h, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
			Secrets: []string{hookSecret}, Client: client,
			OnChange: func(ctx context.Context, _ *postpress.Account) error { <-ctx.Done(); return ctx.Err() },
		})
		require.NoError(t, err)
		first := hookAsync(t.Context(), h, "a", "OK")
		synctest.Wait()
		second := hookAsync(t.Context(), h, "a", "OK")
		synctest.Wait()
		began := time.Now()
		require.NoError(t, h.Close())
		assert.Zero(t, time.Since(began))
		assert.Equal(t, 500, <-first)
		assert.Contains(t, []int{500, 503}, <-second, "in whatever it was when its context ended")
	})
}
