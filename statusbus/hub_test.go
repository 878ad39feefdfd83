package statusbus_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// wire is a transport that does what the test says.
type wire struct {
	publish func(key string) error
	listen  func(statusbus.Receiver) (func(), error)
	to      statusbus.Receiver
	stopped int
}

func (w *wire) Publish(_ context.Context, key string) error {
	if w.publish != nil {
		return w.publish(key)
	}
	return nil
}

func (w *wire) Listen(_ context.Context, r statusbus.Receiver) (func(), error) {
	w.to = r
	if w.listen != nil {
		return w.listen(r)
	}
	return func() { w.stopped++ }, nil
}

// count is a subscriber.
func count(t *testing.T, b statusbus.Bus, key string) (woken *int, cancel func()) {
	t.Helper()
	woken = new(int)
	cancel, err := b.Subscribe(key, func() { *woken++ })
	require.NoError(t, err)
	return woken, cancel
}

func TestHubWakesByKeyAndAllOnGap(t *testing.T) {
	w := &wire{}
	h, err := statusbus.New(t.Context(), w)
	require.NoError(t, err)
	a, _ := count(t, h, "a")
	a2, cancel := count(t, h, "a")
	b, _ := count(t, h, "b")

	w.to.Hint("a")
	w.to.Hint("nobody")
	assert.Equal(t, []int{1, 1, 0}, []int{*a, *a2, *b})
	w.to.Gap()
	assert.Equal(t, []int{2, 2, 1}, []int{*a, *a2, *b})
	cancel()
	w.to.Gap()
	assert.Equal(t, []int{3, 2, 2}, []int{*a, *a2, *b})
}

func TestHubTakesHintsWhileListenRuns(t *testing.T) {
	h, err := statusbus.New(t.Context(), &wire{listen: func(r statusbus.Receiver) (func(), error) {
		r.Hint("a")
		r.Gap()
		return func() {}, nil
	}})
	require.NoError(t, err)
	require.NoError(t, h.Close())
}

func TestNewReturnsTheErrorOfListen(t *testing.T) {
	cause := errors.New("refused")
	_, err := statusbus.New(t.Context(), &wire{listen: func(statusbus.Receiver) (func(), error) { return nil, cause }})
	require.ErrorIs(t, err, cause)
}

func TestPublishGoesToTheTransportAlone(t *testing.T) {
	cause := errors.New("no acknowledgement")
	var sent []string
	h, err := statusbus.New(t.Context(), &wire{publish: func(key string) error {
		sent = append(sent, key)
		return cause
	}})
	require.NoError(t, err)
	woken, _ := count(t, h, "a")

	require.ErrorIs(t, h.Publish(t.Context(), "a"), cause)
	ended, end := context.WithCancel(t.Context())
	end()
	require.ErrorIs(t, h.Publish(ended, "b"), context.Canceled)
	require.NoError(t, h.Close())
	require.ErrorIs(t, h.Publish(t.Context(), "c"), statusbus.ErrClosed)
	assert.Equal(t, []string{"a"}, sent)
	assert.Equal(t, 1, *woken, "by Close")
}

func TestSubscribeRefusesNil(t *testing.T) {
	_, err := statusbus.NewMemory().Subscribe("a", nil)
	require.Error(t, err)
}

func TestCancelInAnyOrder(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		h := statusbus.NewMemory()
		var woken [3]*int
		var cancels [3]func()
		for i := range 3 {
			woken[i], cancels[i] = count(t, h, "a")
		}
		want := [3]int{}
		gone := [3]bool{}
		for _, i := range order {
			cancels[i]()
			cancels[i]()
			gone[i] = true
			require.NoError(t, h.Publish(t.Context(), "a"))
			for j := range 3 {
				if !gone[j] {
					want[j]++
				}
				assert.Equal(t, want[j], *woken[j], "%d of %v, after %d", j, order, i)
			}
		}
	}
}

func TestCloseForgets(t *testing.T) {
	w := &wire{}
	h, err := statusbus.New(t.Context(), w)
	require.NoError(t, err)
	woken, cancel := count(t, h, "a")
	first, cancelFirst := count(t, h, "a")
	require.NoError(t, h.Close())
	require.NoError(t, h.Close())
	assert.Equal(t, []int{1, 1}, []int{*woken, *first})
	assert.Equal(t, 1, w.stopped)

	w.to.Hint("a") // a transport that does not keep its word
	w.to.Gap()
	cancel()
	cancelFirst()
	assert.Equal(t, []int{1, 1}, []int{*woken, *first})
	_, err = h.Subscribe("a", func() {})
	require.ErrorIs(t, err, statusbus.ErrClosed)
}

// TestCloseWakesBeforeItStops: stop may take as long as a broker takes.
func TestCloseWakesBeforeItStops(t *testing.T) {
	var stopped atomic.Bool
	proceed := make(chan struct{})
	h, err := statusbus.New(t.Context(), &wire{listen: func(statusbus.Receiver) (func(), error) {
		return func() { <-proceed; stopped.Store(true) }, nil
	}})
	require.NoError(t, err)
	woken := make(chan struct{}, 1)
	_, err = h.Subscribe("a", func() { woken <- struct{}{} })
	require.NoError(t, err)

	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			assert.NoError(t, h.Close())
			assert.True(t, stopped.Load(), "neither Close returns before stop has")
		})
	}
	<-woken
	require.ErrorIs(t, h.Publish(t.Context(), "a"), statusbus.ErrClosed)
	close(proceed)
	wg.Wait()
}

// TestStopMayWaitForAHint: a transport ends its goroutine in stop, and that may
// be about to deliver.
func TestStopMayWaitForAHint(t *testing.T) {
	h, err := statusbus.New(t.Context(), &wire{listen: func(r statusbus.Receiver) (func(), error) {
		return func() {
			done := make(chan struct{})
			go func() { r.Hint("a"); r.Gap(); close(done) }()
			<-done
		}, nil
	}})
	require.NoError(t, err)
	require.NoError(t, h.Close())
}

func TestCancelWaitsForTheWakeThatRuns(t *testing.T) {
	h := statusbus.NewMemory()
	var ended atomic.Bool
	begun := make(chan struct{})
	cancel, err := h.Subscribe("a", func() {
		close(begun)
		for range 1000 {
			runtime.Gosched()
		}
		ended.Store(true)
	})
	require.NoError(t, err)
	published := make(chan error, 1)
	go func() { published <- h.Publish(t.Context(), "a") }()
	<-begun
	cancel()
	assert.True(t, ended.Load())
	require.NoError(t, <-published)
}

func TestAPanicOfWakeLeavesTheHubUsable(t *testing.T) {
	h := statusbus.NewMemory()
	cancel, err := h.Subscribe("a", func() { panic("wake") })
	require.NoError(t, err)
	assert.Panics(t, func() { _ = h.Publish(t.Context(), "a") })
	cancel()
	woken, _ := count(t, h, "a")
	require.NoError(t, h.Publish(t.Context(), "a"))
	assert.Equal(t, 1, *woken)
}
