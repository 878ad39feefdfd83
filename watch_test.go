package postpress

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWaitersOfOneAccountShareTheirLooks(t *testing.T) {
	for name, answers := range map[string][]answer{
		"answered at once": seq(is(StatusConnecting), is(StatusConnecting), is(StatusConnecting), is(StatusOK)),
		"held":             seq(held(10*time.Second, fails(errCut)), held(time.Hour, nil), is(StatusConnecting), held(5*time.Second, is(StatusOK))),
		"in trouble":       seq(fails(errCut), problem(404, "x"), problem(502, "x"), is(StatusOK)),
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t).answers(answers...)
				var all []<-chan waited
				for range 100 {
					all = append(all, api.wait(context.Background(), waitID))
				}
				accounts := map[*Account]bool{}
				for _, w := range all {
					got := <-w
					require.NoError(t, got.err)
					assert.Equal(t, api.now(), got.at, "all at once")
					accounts[got.account] = true
				}
				assert.Len(t, accounts, 100, "everybody may change what it got")
				assert.Len(t, api.all, len(answers))
				api.assertIdle()
			})
		})
	}
}

func TestWaitersOfOneAccountFailTogether(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(held(time.Second, is(StatusConnecting)), problem(408, "x"), problem(400, "x"))
		var all []<-chan waited
		for range 100 {
			all = append(all, api.wait(context.Background(), waitID))
		}
		for _, w := range all {
			got := <-w
			require.ErrorIs(t, got.err, ErrIntentExpired)
			var we *WaitError
			require.ErrorAs(t, got.err, &we)
			assert.Equal(t, 3, we.Polls)
		}
		assert.Len(t, api.all, 3)
		api.assertIdle()
	})
}

// Whoever reads for the others may leave at any time: another takes over at once.
func TestWaitLeaderLeaves(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t)
		holding(api, 30*time.Second, 0, nil)
		var leave []context.CancelFunc
		var all []<-chan waited
		for range 6 {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			leave, all = append(leave, cancel), append(all, api.wait(ctx, waitID))
			synctest.Wait() // the first one reads, the others queue behind it in this order
		}
		for i := range 5 {
			time.Sleep(3 * time.Second)
			leave[i]()
			synctest.Wait()
			got := <-all[i]
			require.ErrorIs(t, got.err, context.Canceled)
			assert.Equal(t, api.now(), api.all[len(api.all)-1], "the next look begins at once")
		}
		got := <-all[5]
		require.NoError(t, got.err)
		assert.Equal(t, 30*time.Second, got.at)
		assert.Len(t, api.all, 6)
		assert.Equal(t, 1, api.most, "never two looks at one account")
		api.assertIdle()
	})
}

func TestWaitLeaderLeavesWhileAsleep(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(is(StatusConnecting), is(StatusOK))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		leader := api.wait(ctx, waitID)
		follower := api.wait(context.Background(), waitID)
		require.ErrorIs(t, (<-leader).err, context.DeadlineExceeded)
		require.NoError(t, (<-follower).err)
		assertGaps(t, api.all, 2*time.Second, 2500*time.Millisecond)
		assert.Len(t, api.all, 2)
		api.assertIdle()
	})
}

func TestWaitLateJoinerSharesTheHeldLook(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t)
		holding(api, 20*time.Second, 0, nil)
		first := api.wait(context.Background(), waitID)
		time.Sleep(15 * time.Second)
		late := api.wait(context.Background(), waitID)
		require.NoError(t, (<-first).err)
		require.NoError(t, (<-late).err)
		assert.Equal(t, 20*time.Second, api.now())
		assert.Len(t, api.all, 1)
		api.assertIdle()
	})
}

// Where looks are far apart, a newcomer does not have to wait for the next one.
func TestWaitLateJoinerIsToldSoon(t *testing.T) {
	for name, row := range map[string]struct{ after, want time.Duration }{
		"at once":             {5 * time.Second, 5 * time.Second},
		"but not too closely": {time.Second, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t).answers(is(StatusConnecting), held(time.Millisecond, is(StatusOK)))
				first := api.wait(context.Background(), waitID, WithPollInterval(time.Minute, time.Minute))
				time.Sleep(row.after)
				all := []<-chan waited{first}
				for range 50 {
					all = append(all, api.wait(context.Background(), waitID))
				}
				for _, w := range all {
					got := <-w
					require.NoError(t, got.err)
					assert.Equal(t, row.want+time.Millisecond, got.at, "all take part in it")
				}
				assert.Len(t, api.all, 2)
				api.assertIdle()
			})
		})
	}
}

// What was known before a wait began may be of an attempt before.
func TestWaitLateJoinerIsNotToldOldNews(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(is(StatusCredentials), is(StatusConnecting), is(StatusOK))
		tolerant := api.wait(context.Background(), waitID, WithReconnect())
		time.Sleep(time.Second)
		strict := api.wait(context.Background(), waitID)
		got := <-strict
		require.NoError(t, got.err)
		require.NoError(t, (<-tolerant).err)
		api.assertIdle()
	})
}

func TestWaitersOfOneAccountJudgeForThemselves(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(held(time.Second, is(StatusCredentials)), is(StatusConnecting), is(StatusOK))
		tolerant := api.wait(context.Background(), waitID, WithReconnect())
		strict := api.wait(context.Background(), waitID)
		brief := api.wait(context.Background(), waitID, WithReconnect(), WithWaitTimeout(1500*time.Millisecond))
		got := <-strict
		require.ErrorIs(t, got.err, ErrConnectionFailed)
		assert.Equal(t, time.Second, got.at)
		require.ErrorIs(t, (<-brief).err, context.DeadlineExceeded)
		require.NoError(t, (<-tolerant).err)
		assert.Len(t, api.all, 3)
		api.assertIdle()
	})
}

// Waits that follow one another begin anew, whatever the last one was told.
func TestWaitAgain(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(problem(408, "x"), problem(400, "x"), problem(400, "x"), is(StatusOK))
		_, err := api.client.WaitForConnection(context.Background(), waitID)
		require.ErrorIs(t, err, ErrIntentExpired)
		_, err = api.client.WaitForConnection(context.Background(), waitID)
		require.NotErrorIs(t, err, ErrIntentExpired)
		_, err = api.client.WaitForConnection(context.Background(), waitID)
		require.NoError(t, err)
		api.assertIdle()
	})
}

func TestWaitStressOfOneAccount(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t)
		api.look = func(r *http.Request, _ string, n int) (*http.Response, error) {
			if api.now() > 100*time.Second {
				return is(StatusOK)(r)
			}
			return held(time.Duration(n%4)*time.Second, is(StatusConnecting))(r)
		}
		var left, stayed []<-chan waited
		for i := range 300 { // they come and go
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+i*7%40)*time.Second)
			defer cancel()
			left = append(left, api.wait(ctx, waitID))
			if i%10 == 0 {
				stayed = append(stayed, api.wait(context.Background(), waitID))
			}
			time.Sleep(100 * time.Millisecond)
		}
		for _, w := range left {
			require.ErrorIs(t, (<-w).err, context.DeadlineExceeded)
		}
		for _, w := range stayed {
			require.NoError(t, (<-w).err)
		}
		assert.Equal(t, 1, api.most)
		assert.Less(t, api.now(), 120*time.Second)
		api.assertIdle()
	})
}
