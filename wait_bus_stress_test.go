package postpress

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/postpress-ai/postpress-go/statusbus"
)

const (
	stressWaits    = 5000
	stressAccounts = 300
	stressHinters  = 8
	stressClose    = 30 * time.Second // when the bus is closed
	stressEnd      = 2 * time.Minute
)

// Thousands wait, with and without a deadline, are cancelled, and are woken from all
// sides, by hints that are true and by more that are not; in the middle, the bus is
// closed. Each wait ends with what is true, and soon; nothing is left of any.
func TestWaitStressWithABus(t *testing.T) {
	for _, closes := range []bool{false, true} {
		t.Run(fmt.Sprintf("closes=%v", closes), func(t *testing.T) {
			virtual(t, func(t *testing.T) { newBusStress(t, closes).run() })
		})
	}
}

type busStress struct {
	*waitAPI
	closes bool
	hub    *statusbus.Hub
	bus    *countedBus
	chance *dice
	settle [stressAccounts]time.Duration // when the account is connected, or has failed
	wakes  atomic.Int64
}

// countedBus counts the subscriptions that are open, and lets each be cancelled once.
type countedBus struct {
	statusbus.Bus
	open atomic.Int64
}

func (b *countedBus) Subscribe(id string, wake func()) (func(), error) {
	cancel, err := b.Bus.Subscribe(id, wake)
	if err != nil {
		return nil, err
	}
	b.open.Add(1)
	return func() { cancel(); b.open.Add(-1) }, nil
}

func newBusStress(t *testing.T, closes bool) *busStress {
	s := &busStress{closes: closes, hub: statusbus.NewMemory(), chance: &dice{r: rand.New(rand.NewPCG(1, 2))}}
	s.bus = &countedBus{Bus: s.hub}
	s.waitAPI = newWaitAPI(t, WithStatusBus(s.bus), WithPollRate(1000))
	for i := range s.settle {
		s.settle[i] = s.random(stressEnd)
	}
	s.look = func(r *http.Request, id string, _ int) (*http.Response, error) {
		a := body(200, accountJSON(id, s.status(crowdNumber(id)))) // as it is when the request arrives
		return held(time.Duration(crowdNumber(id)%10)*10*time.Millisecond, a)(r)
	}
	return s
}

func (s *busStress) random(most time.Duration) time.Duration {
	return time.Duration(1+s.chance.n(int(most/time.Microsecond))) * time.Microsecond
}

// status is what is true now. Every tenth account fails.
func (s *busStress) status(i int) Status {
	switch {
	case s.now() < s.settle[i]:
		return StatusConnecting
	case i%10 == 0:
		return StatusCredentials
	}
	return StatusOK
}

func (s *busStress) run() {
	var waits, hinters sync.WaitGroup
	for i := range stressWaits {
		account, after, leaves := s.chance.n(stressAccounts), s.random(stressEnd), time.Duration(0)
		switch i % 8 {
		case 0, 1:
			leaves = s.random(stressEnd / 4)
		case 2, 3: // while the hint is followed
			leaves = max(0, s.settle[account]+s.random(100*time.Millisecond)-after)
		}
		waits.Go(func() { s.wait(account, after, leaves, i%2 == 0) })
	}
	for i := range stressHinters {
		hinters.Go(func() { s.hint(i) })
	}
	if s.closes {
		hinters.Go(func() {
			time.Sleep(stressClose)
			assert.NoError(s.t, s.hub.Close())
		})
	}
	waits.Wait()
	hinters.Wait()
	s.assertIdle()
	assert.Zero(s.t, s.bus.open.Load(), "subscriptions left")
	assert.Empty(s.t, s.client.watchers.rushing, "rushes left")
	assert.Empty(s.t, s.client.watchers.rushSlots, "rushes left in flight")
	assert.Greater(s.t, s.wakes.Load(), int64(stressAccounts))
	assert.NoError(s.t, s.hub.Close())
	synctest.Wait()
}

// hint tells of every eighth account when it settles, and fifty times a second of
// every fourth, of which there may be nothing to tell. The others have one hint too
// early, whose look may be under way when the true one comes, and none that makes good
// for one that is lost.
func (s *busStress) hint(which int) {
	for s.now() < stressEnd {
		before := s.now()
		time.Sleep(20 * time.Millisecond)
		ids := []int{s.chance.n(stressAccounts/4) * 4}
		for i := which; i < stressAccounts; i += stressHinters {
			for _, at := range []time.Duration{s.settle[i], s.settle[i] - 50*time.Millisecond} {
				if before < at && at <= s.now() {
					ids = append(ids, i)
				}
			}
		}
		for _, i := range ids {
			err := s.bus.Publish(context.Background(), crowdID(i))
			if s.closes && s.now() >= stressClose {
				if s.now() > stressClose {
					assert.ErrorIs(s.t, err, statusbus.ErrClosed)
				}
				continue
			}
			assert.NoError(s.t, err)
			s.wakes.Add(1)
		}
	}
}

// wait begins after some time, and perhaps leaves: cancelled, or by a deadline.
func (s *busStress) wait(i int, after, leaves time.Duration, deadline bool) {
	time.Sleep(after)
	ctx, cancel, why := context.Background(), func() {}, error(nil)
	switch {
	case leaves > 0 && deadline:
		ctx, cancel = context.WithTimeout(ctx, leaves)
		why = context.DeadlineExceeded
	case leaves > 0:
		ctx, cancel = context.WithCancel(ctx)
		timer := time.AfterFunc(leaves, cancel)
		defer timer.Stop()
		why = context.Canceled
	}
	defer cancel()
	began := s.now()
	a, err := s.client.WaitForConnection(ctx, crowdID(i))
	ended := s.now()
	switch {
	case err == nil:
		assert.Equal(s.t, crowdID(i), a.ID)
		assert.True(s.t, i%10 != 0 && ended >= s.settle[i], "not connected")
		s.assertSoon(i, began, ended)
	case errors.Is(err, ErrConnectionFailed):
		assert.True(s.t, i%10 == 0 && ended >= s.settle[i], "not failed")
		s.assertSoon(i, began, ended)
	case assert.NotNil(s.t, why, "%v", err):
		assert.ErrorIs(s.t, err, why)
		assert.Equal(s.t, began+leaves, ended, "it leaves when it is told to")
	}
}

// assertSoon: the hint comes within 20 ms, and at most 2 s lie between looks for hints.
// Without a bus, as it is when that was closed, looks are 15 s apart, and a quarter.
func (s *busStress) assertSoon(i int, began, ended time.Duration) {
	late, most := ended-max(began, s.settle[i]), mostCalm+200*time.Millisecond
	if s.closes && ended >= stressClose {
		most = 20 * time.Second
	}
	assert.LessOrEqual(s.t, late, most, "account %d settled at %v, wait %v to %v", i, s.settle[i], began, ended)
}
