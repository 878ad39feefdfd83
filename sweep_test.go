package postpress

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Ten thousand people link their accounts within two minutes.
func TestTenThousandWaits(t *testing.T) {
	virtual(t, func(t *testing.T) {
		const n = manyWaits
		at := func(i int) time.Duration { return time.Duration(i*7919%n) * 120 * time.Second / n }
		c := newCrowd(t, n, connectingAt(at))
		done := c.waitFor(context.Background(), 0, n, WithWaitTimeout(10*time.Minute))
		for range 10 { // an ordinary call is not delayed by any of this
			time.Sleep(10 * time.Second)
			before := c.now()
			_, err := c.client.GetAccount(context.Background(), "another")
			require.NoError(t, err)
			assert.Equal(t, before, c.now())
		}
		done()
		var sum, worst, crowded time.Duration
		for i, w := range c.ended {
			require.NoError(t, w.err)
			assert.Equal(t, crowdID(i), w.account.ID)
			took := w.at - at(i)
			sum, worst = sum+took, max(worst, took)
			// The last ones are no crowd any more, and it takes a while to find that many.
			if at(i) < 120*time.Second*(n-fewest)/n-2*round(n/pageSize)-sweepRest {
				crowded = max(crowded, took)
			}
		}
		t.Logf("%d requests in %v: %.1f per second; found after %v on average, %v at most in the crowd, %v at most after it",
			len(c.all), c.now(), float64(len(c.all))/c.now().Seconds(), sum/n, crowded, worst)
		// Just missed by one pass over the list, it is found by the next.
		assert.LessOrEqual(t, crowded, 2*round(n/pageSize)+sweepRest)
		// Later one look at each is enough: a round and the greatest interval.
		assert.LessOrEqual(t, worst, round(fewest)/2+19*time.Second)
		assertBudget(t, without(c.all, c.looks["another"]), defaultPollRate)
		c.assertIdle()
	})
}

// without leaves out the ordinary calls, one of each time.
func without(times, calls []time.Duration) (rest []time.Duration) {
	for _, at := range times {
		if len(calls) > 0 && at == calls[0] {
			calls = calls[1:]
			continue
		}
		rest = append(rest, at)
	}
	return rest
}

// Without a list, ten thousand are too many for anybody, but nobody is left out.
func TestTenThousandWaitsWithoutAList(t *testing.T) {
	virtual(t, func(t *testing.T) {
		const n = manyWaits
		c := newCrowd(t, n, connectingAt(never))
		c.list = problem(404, "resource_not_found")
		ctx, cancel := context.WithTimeout(context.Background(), 12*time.Minute)
		defer cancel()
		c.waitFor(ctx, 0, n)()
		// A look, the patience with the list, and all others before the next
		// one. The list is still tried every 30 s.
		bound := patience + n*time.Second/defaultPollRate + 20*time.Second
		assert.Len(t, c.looks, n)
		for id, times := range c.looks {
			assert.LessOrEqual(t, times[0], bound, id)
			assertGaps(t, times, 2*time.Second, bound)
		}
		assert.Less(t, len(c.pages), 50)
		assertBudget(t, c.all, defaultPollRate)
		for _, w := range c.ended {
			require.ErrorIs(t, w.err, context.DeadlineExceeded)
			assert.Equal(t, 12*time.Minute, w.at)
		}
		c.assertIdle()
	})
}

// What is on no list is looked at, although most are on it.
func TestSweepAndAccountsOnNoList(t *testing.T) {
	virtual(t, func(t *testing.T) {
		const n, absent = fewest + 600, 200
		c := newCrowd(t, n, connectingAt(func(i int) time.Duration {
			if i < absent {
				return 60 * time.Second
			}
			return never(i)
		}))
		c.absent = func(i int) bool { return i < absent }
		ctx, cancel := context.WithTimeout(context.Background(), 150*time.Second)
		defer cancel()
		c.waitFor(ctx, 0, n)()
		for i := range absent {
			w := c.ended[i]
			require.NoError(t, w.err)
			assert.LessOrEqual(t, w.at-60*time.Second, patience+19*time.Second+round(absent), "account %d", i)
		}
		for i := absent; i < n; i++ {
			assert.LessOrEqual(t, len(c.looks[crowdID(i)]), 1, "the list shows account %d", i)
		}
		assertBudget(t, c.all, defaultPollRate)
		c.assertIdle()
	})
}

// The crowd shrinks while most of it queues for the list.
func TestSweepAndTheCrowdGoes(t *testing.T) {
	for name, list := range map[string]answer{"works": nil, "hangs": held(time.Hour, nil), "is missing": problem(404, "x")} {
		t.Run("list "+name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				const n, stay = fewest + 600, 50
				c := newCrowd(t, n, connectingAt(func(int) time.Duration { return 70 * time.Second }))
				if list != nil {
					c.list = list
				}
				ctx, cancel := context.WithTimeout(context.Background(), 21*time.Second)
				defer cancel()
				left := c.waitFor(ctx, stay, n)
				stayed := c.waitFor(context.Background(), 0, stay)
				left()
				stayed()
				for _, at := range c.pages {
					assert.LessOrEqual(t, at, 22*time.Second, "no page is read for nobody, but for one about to be")
				}
				for i := range n {
					if i >= stay {
						require.Error(t, c.ended[i].err)
						assert.Equal(t, 21*time.Second, c.ended[i].at)
						continue
					}
					require.NoError(t, c.ended[i].err)
					assert.LessOrEqual(t, c.ended[i].at, 70*time.Second+19*time.Second+round(stay))
				}
				c.assertIdle()
			})
		})
	}
}

// In a crowd too, whoever waits for one account shares all that is known.
func TestSweepTellsAllWhoWait(t *testing.T) {
	virtual(t, func(t *testing.T) {
		const n = fewest + 200
		c := newCrowd(t, n, connectingAt(func(int) time.Duration { return time.Minute }))
		first := c.waitFor(context.Background(), 0, n)
		time.Sleep(10 * time.Second)
		second := c.waitFor(context.Background(), 0, n)
		first()
		second()
		for i := range n {
			require.NoError(t, c.ended[i].err)
		}
		// The list tells the first of them; the rest is no crowd any more.
		assert.LessOrEqual(t, c.now(), time.Minute+sweepRest+2*round(n/pageSize)+round(fewest)/2+19*time.Second)
		assertBudget(t, c.all, defaultPollRate)
		c.assertIdle()
	})
}
