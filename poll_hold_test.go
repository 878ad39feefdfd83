package postpress

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// holding is a server that holds every request until the account is connected at the given
// time, with something in between that cuts requests after a while (0: never).
func holding(api *waitAPI, connected, cut time.Duration, after answer) {
	api.look = func(r *http.Request, _ string, _ int) (*http.Response, error) {
		rest := connected - api.now()
		if cut > 0 && rest > cut {
			return held(cut, after)(r)
		}
		return held(rest, is(StatusOK))(r)
	}
}

func TestWaitHeldForThreeMinutes(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t)
		holding(api, 3*time.Minute, 0, nil)
		a, err := api.client.WaitForConnection(context.Background(), waitID)
		require.NoError(t, err)
		assert.True(t, a.Connected())
		assert.Equal(t, 3*time.Minute, api.now(), "told the moment it connects")
		assert.Len(t, api.all, 8, "one look in 25 s, without a break")
		assertGaps(t, api.all, 25*time.Second, 25*time.Second)
		api.assertIdle()
	})
}

func TestWaitBehindAProxyThatCuts(t *testing.T) {
	for name, row := range map[string]struct {
		cut      time.Duration
		min, max time.Duration // between looks
		most     int           // in the first 40 s
	}{
		"1 s":  {time.Second, 2 * time.Second, 2500 * time.Millisecond, 20},
		"10 s": {10 * time.Second, 10 * time.Second, 10 * time.Second, 4},
		"30 s": {30 * time.Second, 25 * time.Second, 25 * time.Second, 2},
	} {
		for kind, after := range map[string]answer{
			"connection": fails(errCut), "504": problem(504, "x"), "504 page": body(504, "<h1>Gateway Time-out</h1>"), "408": problem(408, "x"),
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				virtual(t, func(t *testing.T) {
					api := newWaitAPI(t)
					holding(api, 200*time.Second, row.cut, after)
					_, err := api.client.WaitForConnection(context.Background(), waitID)
					require.NoError(t, err)
					assert.InDelta(t, 200, api.now().Seconds(), 2.5)
					assertGaps(t, api.all, row.min, row.max)
					early := 0
					for _, at := range api.all {
						if at < 40*time.Second {
							early++
						}
					}
					assert.LessOrEqual(t, early, row.most)
					api.assertIdle()
				})
			})
		}
	}
}

func TestWaitPollTimeout(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t)
		holding(api, time.Minute, 0, nil)
		_, err := api.client.WaitForConnection(context.Background(), waitID, WithPollTimeout(7*time.Second))
		require.NoError(t, err)
		assertGaps(t, api.all, 7*time.Second, 7*time.Second)
		assert.Len(t, api.all, 9)
	})
}

func TestWaitAnsweredAtOnce(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(is(StatusConnecting))
		_, err := api.client.WaitForConnection(context.Background(), waitID)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		gap, jitter := 2*time.Second, map[time.Duration]bool{}
		for i := 1; i < len(api.all); i++ {
			got := api.all[i] - api.all[i-1]
			assert.True(t, got >= gap && got <= gap*5/4, "gap %d: %v, not %v and up to a quarter more", i, got, gap)
			jitter[got-gap] = true
			gap = min(gap*3/2, 15*time.Second)
		}
		assert.Greater(t, len(jitter), len(api.all)/2, "there is jitter")
		assert.Less(t, len(api.all), 30)
		assert.Greater(t, len(api.all), 20)
	})
}

func TestWaitIntervalBeginsAnewOnChange(t *testing.T) {
	virtual(t, func(t *testing.T) {
		c, w := is(StatusConnecting), is("WARMING_UP")
		api := newWaitAPI(t).answers(c, c, c, c, problem(502, "x"), c, w, w, w, problem(404, "x"), problem(404, "x"), c, is(StatusOK))
		_, err := api.client.WaitForConnection(context.Background(), waitID)
		require.NoError(t, err)
		// After each answer the gap in ms: a 502 is no change, a 404 is looked after closely.
		for i, ms := range []int{2000, 3000, 4500, 6750, 10125, 15000, 2000, 3000, 4500, 2000, 2000, 2000} {
			gap := time.Duration(ms) * time.Millisecond
			got := api.all[i+1] - api.all[i]
			assert.True(t, got >= gap && got <= gap*5/4, "gap %d: %v, not %v", i, got, gap)
		}
	})
}

func TestWaitPollInterval(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(is(StatusConnecting))
		_, err := api.client.WaitForConnection(context.Background(), waitID,
			WithPollInterval(100*time.Millisecond, 200*time.Millisecond), WithWaitTimeout(10*time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assertGaps(t, api.all, 100*time.Millisecond, 250*time.Millisecond)
		assert.Greater(t, len(api.all), 40)
	})
}
