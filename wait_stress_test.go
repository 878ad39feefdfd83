package postpress

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Waits come and go, at the edge of a crowd, and everything goes wrong now and
// then: each ends in time, with a reason, and nothing is left.
func TestWaitStress(t *testing.T) {
	for seed := range uint64(8) {
		virtual(t, func(t *testing.T) {
			chance := &dice{r: rand.New(rand.NewPCG(seed, 1))}
			c := newCrowd(t, 40, connectingAt(func(i int) time.Duration { return time.Duration(i) * 20 * time.Second }), WithPollRate(0.25))
			troubles := []answer{
				fails(errCut), problem(408, "x"), problem(429, "x"), problem(503, "x"), problem(404, "x"),
				held(time.Hour, nil), held(3*time.Second, fails(errDial)), body(200, "<html>"),
			}
			look, page := c.look, c.list
			c.look = func(r *http.Request, id string, n int) (*http.Response, error) {
				if i := chance.n(3 * len(troubles)); i < len(troubles) {
					return troubles[i](r)
				}
				return look(r, id, n)
			}
			c.list = func(r *http.Request) (*http.Response, error) {
				if i := chance.n(3 * len(troubles)); i < len(troubles) {
					return troubles[i](r)
				}
				return page(r)
			}
			var all sync.WaitGroup
			for range 600 {
				id, limit := crowdID(chance.n(40)), time.Duration(1+chance.n(200_000))*time.Millisecond
				all.Go(func() {
					began := c.now()
					a, err := c.client.WaitForConnection(context.Background(), id, WithWaitTimeout(limit))
					took := c.now() - began
					assert.LessOrEqual(t, took, limit)
					if err == nil {
						assert.True(t, a.Connected())
						return
					}
					if errors.Is(err, context.DeadlineExceeded) {
						assert.Equal(t, limit, took)
						return
					}
					assert.ErrorIs(t, err, ErrNotFound)
				})
				time.Sleep(time.Duration(chance.n(2000)) * time.Millisecond)
			}
			all.Wait()
			assertGaps(t, c.all, 4*time.Second, time.Hour)
			c.assertIdle()
		})
	}
}

// dice may be thrown by any goroutine.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) n(max int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(max)
}

// Whoever joins again and again does not keep the others from being looked at.
func TestWaitNewcomersStarveNobody(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t, WithPollRate(1)).answers(is(StatusConnecting))
		stop := startWaits(api, 100, WithWaitTimeout(time.Hour))
		for range 3000 {
			ctx, cancel := context.WithTimeout(context.Background(), 150*time.Millisecond)
			done := api.wait(ctx, "acc-00001")
			time.Sleep(100 * time.Millisecond)
			cancel()
			<-done
		}
		stop()
		synctest.Wait()
		require.Len(t, api.looks, 100)
		for id, times := range api.looks {
			assertGaps(t, times, 2*time.Second, 3*100*time.Second)
			assert.LessOrEqual(t, times[0], 101*time.Second, id)
		}
		assert.GreaterOrEqual(t, len(api.looks["acc-00001"]), 2, "nor is that account left out")
		api.assertIdle()
	})
}
