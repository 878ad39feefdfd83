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

// smallRate makes a crowd of more than 24 accounts, and a request every 5 s.
const smallRate = 0.2

// smallCrowd waits for 30 accounts. Their first looks, before it was a crowd,
// are over when it begins.
func smallCrowd(t *testing.T, status func(c *crowd, i int) Status, change func(c *crowd), opts ...WaitOption) (c *crowd, done func()) {
	c = newCrowd(t, 30, status, WithPollRate(smallRate))
	change(c)
	return c, c.waitFor(context.Background(), 0, 30, append(opts, WithWaitTimeout(time.Hour))...)
}

// Whatever is wrong with the list, each account is looked at, and the list tried again.
func TestSweepListInTrouble(t *testing.T) {
	for name, list := range map[string]answer{
		"missing":      problem(404, "x"),
		"forbidden":    problem(403, "x"),
		"down":         problem(502, "x"),
		"a page":       body(200, "<html>"),
		"no list":      body(200, `{"object":"AccountList"}`),
		"empty":        body(200, `{"items":[]}`),
		"cut":          fails(errCut),
		"held":         held(time.Hour, nil),
		"no status":    body(200, `{"items":[{"id":"acc-00000"},{"id":"acc-00001"}]}`),
		"odd statuses": body(200, `{"items":[{"id":"acc-00000","sources":[{"status":"LOVELY"}]}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				c, done := smallCrowd(t, connectingAt(func(int) time.Duration { return 20 * time.Minute }),
					func(c *crowd) { c.list = list })
				done()
				bound := patience + sweepPenalty + 30*2*5*time.Second
				for i := range 30 {
					require.NoError(t, c.ended[i].err)
					times := c.looks[crowdID(i)]
					assert.LessOrEqual(t, times[0], bound, "account %d", i)
					assertGaps(t, times, 2*time.Second, bound)
				}
				assert.LessOrEqual(t, c.now(), 20*time.Minute+bound)
				assertGaps(t, c.pages, 5*time.Second, bound)
				assertGaps(t, c.all, 5*time.Second, 5*time.Second+sweepPenalty)
				c.assertIdle()
			})
		})
	}
}

func TestSweepListThrottled(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var limited time.Duration
		c, done := smallCrowd(t, connectingAt(func(int) time.Duration { return 5 * time.Minute }), func(c *crowd) {
			c.list = func(r *http.Request) (*http.Response, error) {
				if limited == 0 {
					limited = c.now()
					return headed(problem(429, "x"), "Retry-After", "100")(r)
				}
				return c.page(r)
			}
		})
		done()
		for _, at := range c.all {
			assert.False(t, at > limited && at < limited+100*time.Second, "a request at %v, in the pause from %v", at, limited)
		}
		c.assertIdle()
	})
}

func TestSweepTurnsPages(t *testing.T) {
	virtual(t, func(t *testing.T) {
		s := &sweep{}
		rest := func() time.Duration { return max(0, time.Until(s.next)) }
		s.turnPage("a", nil)
		assert.Equal(t, "a", s.cursor)
		assert.Zero(t, rest())
		s.turnPage("", errCut)
		assert.Equal(t, "a", s.cursor, "one failure is not the cursor's")
		assert.Equal(t, sweepRest, rest())
		s.turnPage("", errCut)
		assert.Empty(t, s.cursor, "two may be")
		assert.Equal(t, 2*sweepRest, rest())
		for range 100 {
			s.turnPage("", errCut)
		}
		assert.Equal(t, sweepPenalty, rest())
		time.Sleep(sweepPenalty)
		s.turnPage("b", nil)
		assert.Zero(t, s.failed)
		s.turnPage("b", nil)
		assert.Empty(t, s.cursor, "a repeated cursor would never end")
		assert.Equal(t, sweepRest, rest())
		s.turnPage("", nil)
		assert.Equal(t, sweepRest, rest(), "the last page")
	})
}

// What the list says is bad is checked, soon, and believed if confirmed.
func TestSweepFailedInTheList(t *testing.T) {
	virtual(t, func(t *testing.T) {
		c, done := smallCrowd(t, func(c *crowd, i int) Status {
			switch {
			case i < 2 && c.now() > 6*time.Minute:
				return StatusCredentials
			case c.now() > 30*time.Minute:
				return StatusOK
			}
			return StatusConnecting
		}, func(c *crowd) {
			c.look = func(r *http.Request, id string, _ int) (*http.Response, error) {
				status := c.status(crowdNumber(id))
				if id == crowdID(1) && status == StatusCredentials && c.now() < 20*time.Minute {
					status = StatusConnecting // the list is wrong about this one
				}
				return body(200, accountJSON(id, status))(r)
			}
		})
		done()
		require.ErrorIs(t, c.ended[0].err, ErrConnectionFailed)
		assert.LessOrEqual(t, c.ended[0].at, 6*time.Minute+sweepRest+6*5*time.Second)
		require.ErrorIs(t, c.ended[1].err, ErrConnectionFailed)
		assert.GreaterOrEqual(t, c.ended[1].at, 20*time.Minute)
		assert.NoError(t, c.ended[2].err)
		c.assertIdle()
	})
}

// Thousands may be linked again after an outage: where the list repeats the
// status they start from, no further looks are spent on them.
func TestSweepReconnects(t *testing.T) {
	virtual(t, func(t *testing.T) {
		c, done := smallCrowd(t, func(c *crowd, i int) Status {
			if c.now() > 20*time.Minute {
				return StatusOK
			}
			return StatusCredentials
		}, func(*crowd) {}, WithReconnect())
		time.Sleep(19 * time.Minute)
		c.waitAPI.mu.Lock()
		for id, times := range c.looks {
			assert.LessOrEqual(t, len(times), 3, id)
			assert.LessOrEqual(t, times[len(times)-1], 8*time.Minute, "the last look at %s", id)
		}
		c.waitAPI.mu.Unlock()
		strict := c.wait(context.Background(), crowdID(7))
		require.ErrorIs(t, (<-strict).err, ErrConnectionFailed, "a newcomer that does not reconnect is told")
		assert.LessOrEqual(t, c.now(), 19*time.Minute+30*time.Second)
		done()
		for i := range 30 {
			assert.NoError(t, c.ended[i].err)
		}
		c.assertIdle()
	})
}

// watched is an account that the given number waits for, with a look in flight.
func watched(api *waitAPI) (*watch, <-chan waited) {
	done := api.wait(context.Background(), waitID)
	synctest.Wait()
	return api.client.watchers.find(waitID), done
}

func listed(status Status) *Account {
	return &Account{ID: waitID, Sources: []Source{{Status: status}}}
}

func TestSweepCutsTheLookThatIsHeld(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(held(time.Hour, nil))
		w, done := watched(api)
		time.Sleep(time.Second)
		w.listed(listed(StatusConnecting))
		w.listed(listed(StatusConnecting))
		time.Sleep(time.Second)
		w.listed(listed(StatusOK))
		got := <-done
		require.NoError(t, got.err)
		assert.Equal(t, 2*time.Second, got.at)
		assert.Len(t, api.all, 1)
		api.assertIdle()
	})
}

// Neither a stale list nor a look that ends at the same time undoes what is settled.
func TestSweepGoodNewsStay(t *testing.T) {
	for name, after := range map[string]func(w *watch){
		"a stale page":  func(w *watch) { w.listed(listed(StatusConnecting)) },
		"a failed page": func(w *watch) { w.listed(listed(StatusError)) },
		"an empty page": func(w *watch) { w.listed(listed("")) },
		"a pending look": func(w *watch) {
			w.answered(listed(StatusConnecting), nil, time.Now(), waitConfig{minInterval: 1, maxInterval: 1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t).answers(held(time.Hour, nil))
				w, done := watched(api)
				w.listed(listed(StatusOK))
				after(w)
				require.NoError(t, (<-done).err)
				api.assertIdle()
			})
		})
	}
}

// News between the pace and the look make the look superfluous.
func TestSweepNewsJustBeforeALook(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWatch(waitID)
		_, changed := w.latest()
		w.listed(listed(StatusOK))
		assert.False(t, w.begin(changed, func() {}))
		_, changed = w.latest()
		assert.True(t, w.begin(changed, func() {}))
	})
}

// A look that a newcomer needs is not put off by the list, where that has no news.
func TestSweepNewcomerGetsItsLook(t *testing.T) {
	virtual(t, func(t *testing.T) {
		w := newWatch(waitID)
		w.begin(w.changed, func() {})
		w.answered(listed(StatusCredentials), nil, time.Now(), waitConfig{minInterval: 1, maxInterval: 1})
		w.listed(listed(StatusCredentials))
		assert.Positive(t, w.patience(), "the list has shown it")
		w.welcome(2 * time.Second)
		w.listed(listed(StatusCredentials))
		assert.Negative(t, w.patience(), "the newcomer has not been told")
	})
}
