//go:build unix

package brokertest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// Outage is a time in which hints get lost.
type Outage struct {
	From, To statusbus.Bus // of two processes
	Begin    func()        // the broker goes away
	End      func()        // returns when it is back
}

// Result says what happened to the hints of an Outage.
type Result struct {
	Acknowledged int // published once, with success
	Reported     int // published with an error, and again when the broker was back
	Silent       int // changed during the outage, and published by nobody

	// Awake is the longest time from the broker's return to the awakening of one
	// whose account changed before it, and from the acknowledgement to that of one
	// whose account changed later.
	Awake time.Duration
	// Accepted is the time from the broker's return to the last Publish that failed.
	Accepted time.Duration
}

func (r Result) String() string {
	return fmt.Sprintf("%d acknowledged, %d reported as lost, %d changed silently; when the broker was back, all awake after %v, Publish failed for %v",
		r.Acknowledged, r.Reported, r.Silent, r.Awake.Round(time.Millisecond), r.Accepted.Round(time.Millisecond))
}

// Run publishes n hints, of which a quarter before the outage, half during it
// and a quarter from its end on. During it, n/10 further accounts change of which
// nobody is told: they show that everybody is woken when the broker is back.
//
// What was acknowledged is not published again: it would be missed for ever if
// that was wrong and no Gap followed. What was reported as lost is published
// again when the broker is back, as its owner would do.
func (o Outage) Run(tb testing.TB, n int) Result {
	tb.Helper()
	return o.run(tb, n, n/10)
}

// RunTold is Run without accounts of which nobody is told, for an outage that
// those who wait do not notice.
func (o Outage) RunTold(tb testing.TB, n int) Result {
	tb.Helper()
	return o.run(tb, n, 0)
}

func (o Outage) run(tb testing.TB, n, silent int) Result {
	tb.Helper()
	r := &outageRun{Outage: o, crowd: NewCrowd(tb, o.To, n+silent), n: n, hints: make([]hint, n)}
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(r.publish)
	}
	Eventually(tb, "a quarter is published", r.begun(n/4))
	o.Begin()
	for i := n; i < r.crowd.Accounts(); i++ {
		r.crowd.Change(i)
	}
	Eventually(tb, "three quarters are published", r.begun(n*3/4))
	o.End()
	back := time.Now()
	wg.Wait()
	for _, i := range failed(r.hints) {
		Eventually(tb, "a hint is accepted again", func() error { return r.once(i) })
	}
	r.crowd.AllAwake()
	return r.result(back, silent)
}

// failed returns the hints that were not acknowledged.
func failed(hints []hint) (all []int) {
	for i := range hints {
		if hints[i].told.IsZero() {
			all = append(all, i)
		}
	}
	return all
}

func (r *outageRun) result(back time.Time, silent int) Result {
	result := Result{Acknowledged: r.n, Silent: silent}
	for i, w := range r.crowd.waiters {
		since := back
		if i < r.n {
			h := r.hints[i]
			if h.began.After(back) {
				since = h.told
			}
			if !h.failed.IsZero() {
				result.Acknowledged--
				result.Reported++
				result.Accepted = max(result.Accepted, h.failed.Sub(back))
			}
		}
		result.Awake = max(result.Awake, w.at.Sub(since))
	}
	return result
}

// hint says when an account changed and what became of its hint.
type hint struct{ began, failed, told time.Time }

type outageRun struct {
	Outage
	crowd *Crowd
	n     int
	next  atomic.Int64
	hints []hint // each used by one goroutine at a time
}

// begun tells whether n hints are being published, or were.
func (r *outageRun) begun(n int) func() error {
	return func() error {
		if next := r.next.Load(); next < int64(n) {
			return fmt.Errorf("%d of %d", next, n)
		}
		return nil
	}
}

// publish takes one account after the other, at a pace that leaves some for the
// outage and for the time after it, and an irregular one, so that the outage
// begins while some are under way.
func (r *outageRun) publish() {
	for {
		i := int(r.next.Add(1)) - 1
		if i >= r.n {
			return
		}
		r.hints[i].began = time.Now()
		_ = r.once(i)
		time.Sleep(rand.N(40 * time.Millisecond))
	}
}

func (r *outageRun) once(i int) error {
	err := r.crowd.Publish(r.From, i, 200*time.Millisecond)
	if err != nil {
		r.hints[i].failed = time.Now()
	} else {
		r.hints[i].told = time.Now()
	}
	return err
}
