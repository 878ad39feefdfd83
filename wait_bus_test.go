package postpress

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// newBusAPI is the API as a wait with a bus sees it.
func newBusAPI(t testing.TB, opts ...Option) (*waitAPI, *statusbus.Hub) {
	bus := statusbus.NewMemory()
	return newWaitAPI(t, append([]Option{WithStatusBus(bus)}, opts...)...), bus
}

// hintAt hints at the account after d.
func hintAt(bus statusbus.Bus, d time.Duration) {
	time.Sleep(d)
	_ = bus.Publish(context.Background(), waitID)
}

func TestWaitIsWokenByTheBus(t *testing.T) {
	for name, first := range map[string]answer{
		"while asleep between looks": is(StatusConnecting),
		"while a look is held":       held(time.Hour, nil),
		"while the API is in pain":   problem(502, "x"),
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api, bus := newBusAPI(t)
				api.answers(first, held(5*time.Millisecond, is(StatusOK)))
				done := api.wait(context.Background(), waitID)
				hintAt(bus, 1234*time.Millisecond)
				got := <-done
				require.NoError(t, got.err)
				assert.Equal(t, 1239*time.Millisecond, got.at)
				assert.Len(t, api.all, 2)
				api.assertIdle()
			})
		})
	}
}

// What happens between a look and the subscription would be lost.
func TestWaitSubscribesBeforeItLooks(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api, bus := newBusAPI(t)
		trial := func(i int) {
			id := crowdID(i)
			connected := time.Now().Add(time.Duration(i%11) * time.Millisecond) // while the first look is on its way, or about then
			api.look = func(r *http.Request, id string, _ int) (*http.Response, error) {
				status := StatusConnecting // as read at the beginning
				if !time.Now().Before(connected) {
					status = StatusOK
				}
				return held(5*time.Millisecond, body(200, accountJSON(id, status)))(r)
			}
			began := time.Now()
			var all sync.WaitGroup
			all.Go(func() {
				time.Sleep(time.Until(connected))
				_ = bus.Publish(context.Background(), id)
			})
			_, err := api.client.WaitForConnection(context.Background(), id, WithWaitTimeout(time.Minute))
			all.Wait()
			require.NoError(t, err)
			require.Less(t, time.Since(began), 200*time.Millisecond, "trial %d lost its hint", i)
		}
		for i := range 10_000 {
			trial(i)
		}
		api.assertIdle()
	})
}

// A look that a hint has made may be answered before what the next hint is
// about; so may a look that is due anyway.
func TestWaitLooksAgainAfterAHintDuringALook(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api, bus := newBusAPI(t)
		slow := func(s Status) answer { return held(300*time.Millisecond, is(s)) }
		api.answers(is(StatusConnecting), slow(StatusConnecting), slow(StatusOK))
		done := api.wait(context.Background(), waitID)
		hintAt(bus, 10*time.Second)
		for range 5 {
			hintAt(bus, 50*time.Millisecond)
		}
		got := <-done
		require.NoError(t, got.err)
		assert.Equal(t, []time.Duration{0, 10 * time.Second, 10*time.Second + 300*time.Millisecond}, api.times(waitID))
		api.assertIdle()
	})
}

// An account may have news that are none, as often as it likes.
func TestWaitBoundsTheLooksForHints(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api, bus := newBusAPI(t)
		api.answers(is(StatusConnecting))
		done := api.wait(context.Background(), waitID, WithWaitTimeout(70*time.Second))
		for range 5000 {
			hintAt(bus, 10*time.Millisecond)
		}
		synctest.Wait()
		times := api.times(waitID)
		assert.LessOrEqual(t, len(times), 32, "50 s at one in two seconds, and the first few")
		assertGaps(t, times[2:5], leastCalm, 10*leastCalm)
		assertGaps(t, times[7:], mostCalm, mostCalm+20*time.Millisecond)

		time.Sleep(10 * time.Second)
		n := len(api.times(waitID))
		for range 2 {
			hintAt(bus, leastCalm)
			synctest.Wait()
		}
		assert.Len(t, api.times(waitID), n+2, "after a rest, at once again")
		<-done
		api.assertIdle()
	})
}

// A hint may be ahead of what the API says.
func TestWaitLooksSoonAgainAfterAHintWithoutNews(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api, bus := newBusAPI(t)
		api.answers(is(StatusConnecting), is(StatusConnecting), is(StatusConnecting), is(StatusOK))
		done := api.wait(context.Background(), waitID)
		hintAt(bus, 10*time.Second)
		require.NoError(t, (<-done).err)
		times := api.times(waitID)
		assertGaps(t, times[1:3], 2*time.Second, 2500*time.Millisecond)
		assertGaps(t, times[2:4], 4*time.Second, 5*time.Second)
		api.assertIdle()
	})
}

// The API may hold a look for a hint, which another hint does not cut.
func TestWaitHoldsNoLookForAHintForLong(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api, bus := newBusAPI(t)
		api.answers(is(StatusConnecting), held(time.Hour, nil), is(StatusOK))
		done := api.wait(context.Background(), waitID)
		hintAt(bus, 10*time.Second)
		hintAt(bus, 100*time.Millisecond)
		got := <-done
		require.NoError(t, got.err)
		assert.Equal(t, 11*time.Second, got.at)
		api.assertIdle()
	})
}

// Webhooks get lost, so that a wait that is never woken ends as well.
func TestWaitWithABusPollsSlowly(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api, _ := newBusAPI(t)
		api.answers(is(StatusConnecting))
		done := api.wait(context.Background(), waitID, WithWaitTimeout(time.Hour))
		<-done
		times := api.times(waitID)
		for i, least := range []time.Duration{15, 30, 60, 120, 240, 300, 300} {
			assertGaps(t, times[i:i+2], least*time.Second, least*time.Second*5/4)
		}
		api.assertIdle()
	})
	virtual(t, func(t *testing.T) {
		api, _ := newBusAPI(t)
		api.answers(held(time.Hour, nil))
		<-api.wait(context.Background(), waitID)
		assert.Len(t, api.times(waitID), 5, "held looks, in five and a half minutes")
	})
}
