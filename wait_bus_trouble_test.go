package postpress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/statusbus"
)

func TestWaitPollsWithoutAUsableBus(t *testing.T) {
	closed := statusbus.NewMemory()
	require.NoError(t, closed.Close())
	for name, bus := range map[string]statusbus.Bus{"closed": closed, "none": nil} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t, WithStatusBus(bus)).answers(is(StatusConnecting), is(StatusConnecting), is(StatusOK))
				got := <-api.wait(context.Background(), waitID)
				require.NoError(t, got.err)
				assert.Less(t, got.at, 7*time.Second)
				api.assertIdle()
			})
		})
	}
	_, err := New(waitKey, WithStatusBus((*statusbus.Hub)(nil)))
	var bad *ArgumentError
	require.ErrorAs(t, err, &bad)
	assert.Equal(t, "WithStatusBus", bad.Field)
}

// A bus that closes wakes everybody a last time, and nobody hangs.
func TestWaitOutlivesItsBus(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api, bus := newBusAPI(t)
		api.answers(is(StatusConnecting), is(StatusConnecting), is(StatusOK))
		done := api.wait(context.Background(), waitID)
		time.Sleep(time.Second)
		require.NoError(t, bus.Close())
		got := <-done
		require.NoError(t, got.err)
		assert.Less(t, got.at, 4*time.Second)
		api.assertIdle()
	})
}

func TestWaitHintsDoNotWaitForThePace(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api, bus := newBusAPI(t, WithPollRate(0.01))
		api.answers(is(StatusConnecting), is(StatusConnecting), is(StatusOK))
		done := api.wait(context.Background(), waitID)
		hintAt(bus, time.Second)
		hintAt(bus, time.Second)
		got := <-done
		require.NoError(t, got.err)
		assert.Equal(t, 2*time.Second, got.at)
		api.assertIdle()
	})
}

func TestWaitHintsRespectARateLimit(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api, bus := newBusAPI(t)
		api.answers(is(StatusConnecting), headed(problem(429, "x"), "Retry-After", "7"), is(StatusOK))
		done := api.wait(context.Background(), waitID)
		hintAt(bus, time.Second)
		hintAt(bus, time.Second)
		got := <-done
		require.NoError(t, got.err)
		assert.GreaterOrEqual(t, got.at, 8*time.Second)
		api.assertIdle()
	})
}

// Whoever rushes for the others may leave at any time: the hint is not lost with it.
func TestWaitLeaderLeavesWhileItRushes(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api, bus := newBusAPI(t, WithPollRate(0.01))
		api.answers(is(StatusConnecting), held(time.Hour, nil), is(StatusOK))
		ctx, cancel := context.WithTimeout(context.Background(), 5500*time.Millisecond)
		defer cancel()
		leader := api.wait(ctx, waitID)
		hintAt(bus, 5*time.Second)
		synctest.Wait()
		follower := api.wait(context.Background(), waitID, WithPollInterval(time.Minute, time.Minute))
		require.ErrorIs(t, (<-leader).err, context.DeadlineExceeded)
		got := <-follower
		require.NoError(t, got.err)
		assert.Equal(t, 5500*time.Millisecond, got.at)
		api.assertIdle()
	})
}

// After an outage of the bus everybody is hinted at, most for nothing.
func TestWaitHintsAtEverybodyAreNoFlood(t *testing.T) {
	const n = 3000 // more than the list is needed for
	virtual(t, func(t *testing.T) {
		api, bus := newBusAPI(t)
		api.list = body(200, `{"object":"AccountList","items":[],"cursor":null}`)
		api.look = func(r *http.Request, id string, _ int) (*http.Response, error) {
			return held(time.Hour, nil)(r)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var all []<-chan waited
		for i := range n {
			all = append(all, api.wait(ctx, crowdID(i)))
		}
		time.Sleep(time.Minute)
		before := api.sent()
		bus.Gap()
		time.Sleep(20 * time.Second)
		assert.LessOrEqual(t, api.sent()-before, maxRushing+20*20+20, "requests after a gap")
		cancel()
		for _, w := range all {
			require.ErrorIs(t, (<-w).err, context.Canceled)
		}
		assert.LessOrEqual(t, api.most, maxHeld+maxRush, "requests at a time")
		api.assertIdle()
		assert.Empty(t, api.client.watchers.rushing)
		assert.Empty(t, api.client.watchers.rushSlots)
	})
}

// countingBus tells what a client does with it.
type countingBus struct {
	statusbus.Bus
	mu         sync.Mutex
	subscribed int
	live       int
}

func (b *countingBus) Subscribe(_ string, wake func()) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribed++
	b.live++
	wake() // for nothing, as a bus may
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.live--
	}, nil
}

// subscriptions are those there have been, and those there are.
func (b *countingBus) subscriptions() (ever, live int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.subscribed, b.live
}

func TestWaitersOfOneAccountShareASubscription(t *testing.T) {
	virtual(t, func(t *testing.T) {
		bus := &countingBus{}
		api := newWaitAPI(t, WithStatusBus(bus)).answers(held(time.Second, is(StatusConnecting)))
		var all []<-chan waited
		for i := range 100 {
			all = append(all, api.wait(context.Background(), waitID, WithWaitTimeout(time.Duration(i+1)*time.Second)))
		}
		synctest.Wait()
		ever, live := bus.subscriptions()
		assert.Equal(t, []int{1, 1}, []int{ever, live})
		<-all[98]
		synctest.Wait()
		_, live = bus.subscriptions()
		assert.Equal(t, 1, live, "as long as one waits")
		<-all[99]
		synctest.Wait()
		before, live := bus.subscriptions()
		assert.Equal(t, 0, live)
		_, err := api.client.WaitForConnection(context.Background(), waitID, WithWaitTimeout(time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		ever, live = bus.subscriptions()
		assert.Equal(t, []int{before + 1, 0}, []int{ever, live}, "and anew for the next")
		api.assertIdle()
	})
}

type brokenBus struct{ statusbus.Bus }

func (brokenBus) Subscribe(string, func()) (func(), error) { return nil, errors.New("no broker") }

func TestWaitPollsWhereSubscribingFails(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t, WithStatusBus(brokenBus{})).answers(is(StatusConnecting), is(StatusOK))
		got := <-api.wait(context.Background(), waitID)
		require.NoError(t, got.err)
		assert.Less(t, got.at, 3*time.Second)
		api.assertIdle()
	})
}

// Nothing that a hint can do changes what a wait returns: that is read.
func TestWaitBelievesNoHint(t *testing.T) {
	for status, want := range map[Status]error{
		StatusConnecting: context.DeadlineExceeded, StatusCredentials: ErrConnectionFailed,
	} {
		t.Run(string(status), func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api, bus := newBusAPI(t)
				api.answers(held(time.Second, is(StatusConnecting)), is(status))
				done := api.wait(context.Background(), waitID, WithWaitTimeout(30*time.Second))
				for i := range 100 {
					hintAt(bus, 10*time.Millisecond)
					_ = bus.Publish(context.Background(), fmt.Sprint("another ", i))
				}
				require.ErrorIs(t, (<-done).err, want)
				api.assertIdle()
			})
		})
	}
}
