package postpress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cancelAt asserts that a wait ends with its context, at once and with what it knew.
func cancelAt(t *testing.T, api *waitAPI, at time.Duration, opts ...WaitOption) *WaitError {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := api.wait(ctx, waitID, opts...)
	time.Sleep(at - api.now())
	synctest.Wait()
	select {
	case got := <-done:
		t.Fatalf("ended early: %v", got.err)
	default:
	}
	cancel()
	got := <-done
	require.ErrorIs(t, got.err, context.Canceled)
	assert.Equal(t, at, got.at, "at once")
	var we *WaitError
	require.ErrorAs(t, got.err, &we)
	return we
}

func TestWaitCancelledBefore(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(is(StatusOK))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := api.client.WaitForConnection(ctx, waitID)
		require.ErrorIs(t, err, context.Canceled)
		var we *WaitError
		require.ErrorAs(t, err, &we)
		assert.Equal(t, WaitError{AccountID: waitID, Err: context.Canceled}, *we)
		assert.Empty(t, api.all, "nothing is sent")
		api.assertIdle()
	})
}

func TestWaitCancelledAtEveryPoint(t *testing.T) {
	for at := 13 * time.Millisecond; at < 70*time.Second; at += 1777 * time.Millisecond {
		t.Run(at.String(), func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t).answers(is(StatusConnecting), problem(503, "no_handler"),
					held(10*time.Second, fails(errCut)), headed(problem(429, "x"), "Retry-After", "9"), held(time.Hour, nil))
				cancelAt(t, api, at)
				api.assertIdle()
			})
		})
	}
}

func TestWaitCancelledWhileAsleep(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(problem(503, "no_channel"))
		we := cancelAt(t, api, time.Second)
		var answer *APIError
		require.ErrorAs(t, we, &answer)
		assert.Equal(t, 503, answer.StatusCode)
		assert.Equal(t, 1, we.Polls)
		api.assertIdle()
	})
}

func TestWaitCancelledDuringAHeldLook(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(problem(425, "x"), held(time.Hour, nil))
		we := cancelAt(t, api, 10*time.Second)
		require.ErrorIs(t, we, ErrAuthInProgress, "the look that was cut tells nothing")
		assert.Equal(t, 1, we.Polls)
		api.assertIdle()
	})
}

// others waits for so many other accounts until the context ends.
func (api *waitAPI) others(ctx context.Context, n int) (all []<-chan waited) {
	for i := range n {
		all = append(all, api.wait(ctx, fmt.Sprintf("other-%05d", i), WithWaitTimeout(time.Hour)))
	}
	synctest.Wait()
	return all
}

func TestWaitCancelledWhileQueueing(t *testing.T) {
	for name, row := range map[string]struct {
		rate   float64
		others int
		list   answer
		at     func(ws *watchers) bool // where the wait is
	}{
		"for a slot": {1000, maxHeld, nil, func(ws *watchers) bool { return len(ws.slots) == maxHeld && len(ws.queue) == 1 }},
		"behind who waits for a slot": {1000, maxHeld + 1, nil, func(ws *watchers) bool {
			return len(ws.slots) == maxHeld && len(ws.queue) == 1
		}},
		"for the pace":  {0.02, 1, nil, func(ws *watchers) bool { return len(ws.pace.turn) == 1 && len(ws.queue) == 1 }},
		"for a page":    {0.02, 5, held(time.Hour, nil), func(ws *watchers) bool { return len(ws.sweep.turn) == 1 }},
		"for the sweep": {0.02, 5, body(200, `{"items":[]}`), func(ws *watchers) bool { return len(ws.sweep.turn) == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t, WithPollRate(row.rate)).answers(held(time.Hour, nil))
				if row.list != nil {
					api.list = row.list
				}
				ctx, cancel := context.WithCancel(context.Background())
				others := api.others(ctx, row.others)
				time.Sleep(time.Second)
				mine, leave := context.WithCancel(context.Background())
				done := api.wait(mine, waitID)
				time.Sleep(time.Second)
				synctest.Wait()
				assert.True(t, row.at(api.client.watchers), "it is not where it should be")
				assert.Empty(t, api.looks[waitID])
				leave()
				got := <-done
				require.ErrorIs(t, got.err, context.Canceled)
				assert.Equal(t, 2*time.Second, got.at)
				cancel()
				for _, o := range others {
					got := <-o
					require.ErrorIs(t, got.err, context.Canceled)
					assert.Equal(t, 2*time.Second, got.at)
				}
				api.assertIdle()
			})
		})
	}
}

func TestWaitCancelledWhileReadingThePage(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t, WithPollRate(0.02)).answers(held(time.Hour, nil))
		api.list = held(5*time.Second, body(200, `{"items":[`+accountJSON("other-00000", StatusOK)+`]}`))
		first, leave := context.WithCancel(context.Background())
		mine := api.wait(first, waitID) // the first look takes the only token
		synctest.Wait()
		ctx, cancel := context.WithCancel(context.Background())
		others := api.others(ctx, 5)
		for api.pagesRead() == 0 {
			time.Sleep(time.Second)
		}
		read := api.now()
		time.Sleep(time.Second)
		synctest.Wait()
		cancel()
		for _, o := range others {
			require.ErrorIs(t, (<-o).err, context.Canceled)
		}
		leave()
		<-mine
		assert.Equal(t, read+time.Second, api.now())
		assert.Zero(t, api.client.watchers.sweep.failed, "that nobody reads any more is no failure of the list")
		api.assertIdle()
	})
}

// What arrives as the context ends has been paid for: it counts, for this wait and for all others.
func TestWaitAnsweredAsTheContextEnds(t *testing.T) {
	for name, row := range map[string]struct {
		answer answer
		check  func(t *testing.T, err error)
	}{
		"connected": {is(StatusOK), func(t *testing.T, err error) { require.NoError(t, err) }},
		"refused":   {problem(403, "x"), func(t *testing.T, err error) { require.ErrorIs(t, err, ErrForbidden) }},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t)
				ctx, cancel := context.WithCancel(context.Background())
				api.look = func(r *http.Request, _ string, _ int) (*http.Response, error) {
					time.Sleep(time.Second)
					cancel()
					return row.answer(r)
				}
				leader := api.wait(ctx, waitID)
				synctest.Wait()
				follower := api.wait(context.Background(), waitID)
				row.check(t, (<-leader).err)
				got := <-follower
				row.check(t, got.err)
				assert.Equal(t, time.Second, got.at)
				assert.Len(t, api.all, 1, "one look was enough for both")
				api.assertIdle()
			})
		})
	}
}

func TestWaitOutlivesAPanic(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t)
		api.look = func(r *http.Request, _ string, n int) (*http.Response, error) {
			time.Sleep(time.Second)
			if n == 0 {
				panic("a RoundTripper")
			}
			return is(StatusOK)(r)
		}
		recovered := make(chan any)
		go func() {
			defer func() { recovered <- recover() }()
			_, _ = api.client.WaitForConnection(context.Background(), waitID)
		}()
		synctest.Wait()
		follower := api.wait(context.Background(), waitID)
		assert.Equal(t, "a RoundTripper", <-recovered)
		require.NoError(t, (<-follower).err)
		api.assertIdle()
	})
}

func TestWaitDeadlineKeepsTheAnswer(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(problem(502, "x"))
		_, err := api.client.WaitForConnection(context.Background(), waitID, WithWaitTimeout(time.Minute))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var answer *APIError
		require.True(t, errors.As(err, &answer))
		assert.Equal(t, 502, answer.StatusCode)
		assert.Equal(t, time.Minute, api.now())
	})
}
