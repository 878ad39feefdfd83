package postpress_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
)

// hookSend serves one event without a socket, so that time may be virtual.
func hookSend(ctx context.Context, h http.Handler, id, status string) int {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(hookStatus(id, status)))
	r.Header.Set("Postpress-Auth", hookSecret)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// hookAsync does it in the background.
func hookAsync(ctx context.Context, h http.Handler, id, status string) <-chan int {
	code := make(chan int, 1)
	go func() { code <- hookSend(ctx, h, id, status) }()
	return code
}

// hookCallback makes a handler with this OnEvent.
func hookCallback(t *testing.T, f func(context.Context, *postpress.WebhookEvent) error, change ...func(*postpress.WebhookConfig)) *postpress.WebhookHandler {
	t.Helper()
	return newHook(t, new(hookTold), append([]func(*postpress.WebhookConfig){func(c *postpress.WebhookConfig) { c.OnEvent = f }}, change...)...)
}

func TestWebhookCallbackFailures(t *testing.T) {
	for name, f := range map[string]func(context.Context, *postpress.WebhookEvent) error{
		"error":   func(context.Context, *postpress.WebhookEvent) error { return errors.New("no") },
		"panic":   func(context.Context, *postpress.WebhookEvent) error { panic("no") },
		"abort":   func(context.Context, *postpress.WebhookEvent) error { panic(http.ErrAbortHandler) },
		"nothing": func(context.Context, *postpress.WebhookEvent) error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			url := hookServer(t, hookCallback(t, f))
			assert.Equal(t, http.StatusInternalServerError, hookPost(t, url, hookJSON, "Postpress-Auth", hookSecret).StatusCode)
		})
	}
}

// hookBrokenBus is a bus with a bug, and one that hangs.
type hookBrokenBus struct {
	hookTold
	publish func(ctx context.Context) error
}

func (b *hookBrokenBus) Publish(ctx context.Context, _ string) error { return b.publish(ctx) }

func TestWebhookPublishFailures(t *testing.T) {
	for name, f := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errors.New("no") },
		"panic": func(context.Context) error { panic("no") },
		"hangs": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &hookBrokenBus{publish: f}
				h := newHook(t, &bus.hookTold, func(c *postpress.WebhookConfig) { c.Bus = bus })
				assert.Equal(t, http.StatusServiceUnavailable, hookSend(t.Context(), h, "a", "OK"))
				assert.Empty(t, bus.events, "the callback comes after the bus")
			})
		})
	}
}

func TestWebhookCallbackTimeout(t *testing.T) {
	for name, row := range map[string]struct {
		set, want time.Duration
	}{"default": {0, 20 * time.Second}, "set": {3 * time.Second, 3 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stuck := make(chan struct{})
				h := hookCallback(t, func(ctx context.Context, e *postpress.WebhookEvent) error {
					if e.AccountID == "obeys" {
						<-ctx.Done()
						return ctx.Err()
					}
					<-stuck
					return nil
				}, func(c *postpress.WebhookConfig) { c.CallbackTimeout = row.set })
				for _, id := range []string{"obeys", "stuck"} {
					began := time.Now()
					assert.Equal(t, http.StatusInternalServerError, hookSend(t.Context(), h, id, "OK"))
					assert.Equal(t, row.want, time.Since(began))
				}
				close(stuck)
			})
		})
	}
}

// A sender who leaves does not undo what was begun.
func TestWebhookCallbackOutlivesTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		leave := make(chan struct{})
		h := hookCallback(t, func(ctx context.Context, _ *postpress.WebhookEvent) error {
			<-leave
			assert.Equal(t, "kept", ctx.Value(key{}))
			return ctx.Err()
		})
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
		code := hookAsync(ctx, h, "a", "OK")
		synctest.Wait()
		cancel()
		close(leave)
		assert.Equal(t, http.StatusOK, <-code)
	})
}

// Neither requests nor callbacks that do not return take more than their places.
func TestWebhookHandlerInFlightLimit(t *testing.T) {
	for name, limit := range map[string]int{"default": 0, "set": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				places := max(limit, 3)
				if limit == 0 {
					places = 512
				}
				stuck := make(chan struct{})
				h := hookCallback(t, func(context.Context, *postpress.WebhookEvent) error { <-stuck; return nil },
					func(c *postpress.WebhookConfig) { c.MaxInFlight = limit })
				codes := make([]<-chan int, places)
				for i := range codes {
					codes[i] = hookAsync(t.Context(), h, "a", "OK")
				}
				synctest.Wait()
				assert.Equal(t, http.StatusServiceUnavailable, hookSend(t.Context(), h, "a", "OK"), "all are busy")
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
				assert.Equal(t, http.StatusUnauthorized, w.Code, "strangers learn nothing of it")
				for _, code := range codes {
					assert.Equal(t, http.StatusInternalServerError, <-code, "timed out")
				}
				assert.Equal(t, http.StatusServiceUnavailable, hookSend(t.Context(), h, "a", "OK"), "they still run")
				close(stuck)
				synctest.Wait()
				assert.Equal(t, http.StatusOK, hookSend(t.Context(), h, "a", "OK"))
			})
		})
	}
}

func TestWebhookHandlerShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hookCallback(t, func(ctx context.Context, _ *postpress.WebhookEvent) error {
			time.Sleep(5 * time.Second) // virtual
			return ctx.Err()
		})
		code := hookAsync(t.Context(), h, "a", "OK")
		synctest.Wait()
		began, down := time.Now(), make(chan error)
		go func() { down <- h.Shutdown(t.Context()) }()
		synctest.Wait()
		assert.Equal(t, http.StatusServiceUnavailable, hookSend(t.Context(), h, "a", "OK"), "no more are let in")
		require.NoError(t, <-down)
		assert.Equal(t, 5*time.Second, time.Since(began), "it waits for what runs")
		assert.Equal(t, http.StatusOK, <-code, "which is not disturbed")
		require.NoError(t, h.Shutdown(t.Context()), "again")
		require.NoError(t, h.Close())
	})
}

func TestWebhookHandlerShutdownRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hookCallback(t, func(ctx context.Context, _ *postpress.WebhookEvent) error {
			<-ctx.Done()
			time.Sleep(time.Second) // virtual: it cleans up
			return ctx.Err()
		})
		code := hookAsync(t.Context(), h, "a", "OK")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, h.Shutdown(ctx), context.DeadlineExceeded)
		assert.Equal(t, http.StatusInternalServerError, <-code)
		assert.Equal(t, time.Second, time.Since(began), "its context has ended with the other")
		began = time.Now()
		require.NoError(t, h.Close())
		assert.Equal(t, time.Second, time.Since(began), "it waits for a callback that was given up on")
	})
}

func TestWebhookHandlerClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hookCallback(t, func(ctx context.Context, _ *postpress.WebhookEvent) error { <-ctx.Done(); return ctx.Err() })
		code := hookAsync(t.Context(), h, "a", "OK")
		synctest.Wait()
		began := time.Now()
		require.NoError(t, h.Close())
		assert.Zero(t, time.Since(began))
		assert.Equal(t, http.StatusInternalServerError, <-code)
		assert.Equal(t, http.StatusServiceUnavailable, hookSend(t.Context(), h, "a", "OK"))
	})
}

// What a callback does to its event after it was given up on is its own affair.
func TestWebhookCallbackHasAnEventOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		h := hookCallback(t, func(_ context.Context, e *postpress.WebhookEvent) error {
			for {
				select {
				case <-goOn:
					return nil
				default:
					e.Kind, e.AccountID = "other", "b" // a race, were it shared
					time.Sleep(time.Second)            // virtual
				}
			}
		})
		assert.Equal(t, http.StatusInternalServerError, hookSend(t.Context(), h, "a", "OK"))
		close(goOn)
	})
}
