package transport

import "sync/atomic"

// The retry budget keeps an outage from being prolonged by those who suffer
// from it: a full bucket allows twenty retries, then only successes earn new
// ones. 1,000 calls against a dead server send about 1,020 requests.
const (
	budgetSize     = 100
	retryCost      = 5
	timeoutCost    = 10 // it has also cost the server the time
	firstTryReward = 1
)

type budget struct{ left *atomic.Int64 }

func newBudget() budget {
	b := budget{left: new(atomic.Int64)}
	b.left.Store(budgetSize)
	return b
}

func (b budget) take(n int) bool {
	for {
		left := b.left.Load()
		if left < int64(n) {
			return false
		}
		if b.left.CompareAndSwap(left, left-int64(n)) {
			return true
		}
	}
}

func (b budget) give(n int) {
	for {
		left := b.left.Load()
		next := min(left+int64(n), budgetSize)
		if next == left || b.left.CompareAndSwap(left, next) {
			return
		}
	}
}
