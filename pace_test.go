package postpress

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// passes lets so many goroutines pass again and again until the time is over.
func passes(p *pace, goroutines int, d time.Duration) (times []time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	began := time.Now()
	at := make(chan time.Duration)
	for range goroutines {
		go func() {
			for p.pass(ctx, nil) {
				at <- time.Since(began)
			}
			at <- -1
		}()
	}
	for left := goroutines; left > 0; {
		if t := <-at; t < 0 {
			left--
		} else {
			times = append(times, t)
		}
	}
	return times
}

func TestPaceAllowsABurstOfOneSecond(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p := newPace(20)
		times := passes(p, 50, 10*time.Second+time.Millisecond)
		assert.Len(t, times, 20+200)
		assertBudget(t, times, 20)
		assert.Zero(t, times[19])
		assert.Equal(t, 50*time.Millisecond, times[20])
		time.Sleep(time.Hour)
		times = passes(p, 50, time.Second+time.Millisecond)
		assert.Len(t, times, 20+20, "an hour of rest saves up no more")
	})
}

func TestPaceSlowRates(t *testing.T) {
	virtual(t, func(t *testing.T) {
		times := passes(newPace(0.5), 3, time.Minute-1)
		assert.Len(t, times, 30)
		assertGaps(t, times, 2*time.Second, 2*time.Second)
		assert.Equal(t, time.Hour, newPace(1e-300).interval, "no overflow")
		assert.Equal(t, time.Millisecond, newPace(1000).interval)
	})
}

func TestPacePause(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p := newPace(20)
		p.pause(10 * time.Second)
		p.pause(time.Second)
		p.pause(0)
		time.AfterFunc(15*time.Second-1, func() { p.pause(5 * time.Second) })
		times := passes(p, 50, 25*time.Second-2)
		assert.Equal(t, 10*time.Second, times[0], "the longest counts")
		for _, at := range times {
			assert.False(t, at >= 15*time.Second && at < 20*time.Second-1, "at %v, in the pause that came while somebody slept", at)
		}
		assert.Len(t, times, 100+100, "a pause saves up no burst")
	})
}

func TestPaceLetsGo(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p := newPace(0.01)
		require.True(t, p.pass(context.Background(), nil))
		changed := make(chan struct{})
		ended := make(chan bool)
		for range 3 {
			go func() { ended <- p.pass(context.Background(), changed) }()
		}
		time.Sleep(time.Second)
		close(changed)
		for range 3 {
			assert.False(t, <-ended)
		}
		assert.Empty(t, p.turn)
	})
}

// startWaits waits for so many accounts; the function stops them all.
func startWaits(api *waitAPI, n int, opts ...WaitOption) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	all := make([]<-chan waited, n)
	for i := range all {
		all[i] = api.wait(ctx, fmt.Sprintf("acc-%05d", i), opts...)
	}
	return func() {
		cancel()
		for _, w := range all {
			<-w
		}
	}
}

func TestWaitsStayWithinTheRate(t *testing.T) {
	for name, look := range map[string]answer{
		"answered at once": is(StatusConnecting),
		"held":             held(time.Hour, nil),
		"cut":              held(3*time.Second, fails(errCut)),
		"failing":          problem(503, "network_down"),
		"refused":          fails(errDial),
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				const n = 500
				api := newWaitAPI(t).answers(look)
				stop := startWaits(api, n, WithWaitTimeout(time.Hour))
				time.Sleep(3 * time.Minute)
				stop()
				assertBudget(t, api.all, defaultPollRate)
				assert.LessOrEqual(t, api.most, maxHeld)
				assert.Len(t, api.looks, n, "everybody is looked at")
				for id, times := range api.looks {
					assert.LessOrEqual(t, times[0], n*time.Second/defaultPollRate, id)
					// A round of all, the greatest interval and the longest look.
					assertGaps(t, times, 2*time.Second, n*time.Second/defaultPollRate+25*time.Second+19*time.Second)
				}
				api.assertIdle()
			})
		})
	}
}

func TestWaitHoldsShorterInACrowd(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t)
		for n, want := range map[int]time.Duration{1: 25 * time.Second, 256: 25 * time.Second, 400: 16 * time.Second, 1000: 12800 * time.Millisecond} {
			stop := startWaits(api.answers(held(time.Hour, nil)), n)
			synctest.Wait()
			assert.Equal(t, want, api.client.watchers.hold(25*time.Second), "%d accounts", n)
			assert.Equal(t, time.Second, api.client.watchers.hold(time.Second), "never longer than asked for")
			stop()
		}
		api.assertIdle()
	})
}

func TestWaitRateLimited(t *testing.T) {
	for name, row := range map[string]struct {
		limited answer
		pause   time.Duration
	}{
		"Retry-After":          {headed(problem(429, "x"), "Retry-After", "40"), 40 * time.Second},
		"no Retry-After":       {problem(429, "x"), 2 * time.Second},
		"less than reasonable": {headed(problem(429, "x"), "Retry-After", "0"), 2 * time.Second},
		"more than reasonable": {headed(problem(429, "x"), "Retry-After", "86400"), 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t)
				var limited time.Duration
				api.look = func(r *http.Request, id string, n int) (*http.Response, error) {
					if id == waitID && n == 0 {
						time.Sleep(500 * time.Millisecond) // while others are asleep in all places
						limited = api.now()
						return row.limited(r)
					}
					return is(StatusConnecting)(r)
				}
				stop := startWaits(api, 100, WithWaitTimeout(time.Hour))
				time.Sleep(10 * time.Second)
				one := api.wait(context.Background(), waitID)
				time.Sleep(row.pause + time.Minute)
				stop()
				<-one
				resumed := false
				for _, at := range api.all {
					assert.False(t, at > limited && at < limited+row.pause, "a request at %v, in the pause from %v on", at, limited)
					resumed = resumed || at == limited+row.pause
				}
				assert.True(t, resumed, "it goes on when the pause is over")
				assertBudget(t, api.all, defaultPollRate)
				api.assertIdle()
			})
		})
	}
}
