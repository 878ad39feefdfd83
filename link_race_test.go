package postpress_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// schedule is one way in which a scan meets something else at the same instant.
type schedule struct {
	name      string
	reconnect bool
	anew      bool          // the refresh creates a new account
	at        time.Duration // of the scan, and of
	cancel    bool          // this, or what happens by itself
	timeout   time.Duration
	jitter    time.Duration // between scan and cancel, either way
}

func drawSchedule(rnd *rand.Rand) (s schedule, opts []postpresstest.Option) {
	s = schedule{timeout: 10 * time.Minute, reconnect: rnd.IntN(4) == 0}
	switch rnd.IntN(4) {
	case 0:
		s.name, s.at = "refresh", []time.Duration{50 * time.Second, 52 * time.Second, 60 * time.Second}[rnd.IntN(3)]
		s.anew = rnd.IntN(2) == 0 && !s.reconnect
	case 1:
		s.name, s.cancel = "cancel", true
		s.at = []time.Duration{0, 7 * time.Second, 52 * time.Second, time.Minute}[rnd.IntN(4)]
		s.jitter = []time.Duration{0, 0, time.Nanosecond, time.Millisecond}[rnd.IntN(4)]
	case 2:
		s.name, s.at = "intent", 5*time.Minute
	case 3:
		s.name, s.timeout, s.at = "deadline", 45*time.Second, 45*time.Second
	}
	opts = append(opts, postpresstest.WithReissue(postpresstest.Reissue(rnd.IntN(3))))
	if rnd.IntN(3) == 0 {
		opts = append(opts, postpresstest.WithHold(time.Duration(rnd.IntN(2))*3*time.Second))
	}
	if rnd.IntN(3) == 0 {
		opts = append(opts, postpresstest.WithConnectDelay(time.Duration(1+rnd.IntN(3))*time.Second))
	}
	return s, opts
}

// play runs a schedule, and asserts that whoever was linked stays linked, that
// this is the outcome, and that nothing else is left.
func (s schedule) play(d *desk, rnd *rand.Rand) {
	req := postpress.LinkRequest{}
	if s.reconnect {
		req.AccountID = d.srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials}).ID
	}
	if s.anew {
		d.anew()
	}
	link := d.start(req, postpress.WithLinkTimeout(s.timeout))
	var scanned string
	var all sync.WaitGroup
	before, after := time.Duration(0), time.Duration(0)
	if s.jitter > 0 && rnd.IntN(2) == 0 {
		before = s.jitter
	} else {
		after = s.jitter
	}
	all.Go(func() {
		time.Sleep(s.at + before)
		if id := link.AccountID(); d.srv.Scan(id) == nil {
			scanned = id
		}
	})
	if s.cancel {
		all.Go(func() {
			time.Sleep(s.at + after)
			assert.NoError(d.t, link.Cancel(context.Background()))
		})
	}
	all.Wait()
	if scanned == "" && !s.cancel {
		assert.NoError(d.t, link.Cancel(context.Background()))
	}
	a, err := link.Wait(context.Background())
	synctest.Wait()
	if scanned == "" {
		assert.Error(d.t, err)
		assert.Len(d.t, d.accounts(), map[bool]int{true: 1}[s.reconnect])
		return
	}
	assert.Equal(d.t, []string{scanned}, d.accounts())
	assert.Empty(d.t, link.State().LeftOver)
	if s.reconnect && (s.cancel || s.timeout < time.Minute) {
		return // its intent outlives the attempt, which may not have seen the phone
	}
	if assert.NoError(d.t, err, "it was scanned") {
		assert.Equal(d.t, scanned, a.ID)
	}
}

func TestLinkScansAtTheSameInstant(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 100
	}
	for seed := range n {
		rnd := rand.New(rand.NewPCG(uint64(seed), 4))
		s, opts := drawSchedule(rnd)
		t.Run(fmt.Sprintf("%d %+v", seed, s), func(t *testing.T) {
			atDesk(t, func(d *desk) { s.play(d, rnd) }, opts...)
		})
	}
}
