package statusbus_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postpress-ai/postpress-go/statusbus"
)

const crowd = 10_000

// waiter is what somebody who waits has of his own.
type waiter struct {
	signal chan struct{}
	cancel func()
}

func (w *waiter) wake() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

func crowded(tb testing.TB, h *statusbus.Hub) []*waiter {
	tb.Helper()
	all := make([]*waiter, crowd)
	for i := range all {
		w := &waiter{signal: make(chan struct{}, 1)}
		cancel, err := h.Subscribe(fmt.Sprintf("account-%015d", i), w.wake)
		if err != nil {
			tb.Fatal(err)
		}
		w.cancel = cancel
		all[i] = w
	}
	return all
}

// perSubscription measures the heap that one of 10,000 subscriptions takes,
// with its key, its channel and its cancel.
func perSubscription(tb testing.TB) float64 {
	h := statusbus.NewMemory()
	before := heap()
	all := crowded(tb, h)
	after := heap()
	runtime.KeepAlive(all)
	runtime.KeepAlive(h)
	return (after - before) / crowd
}

func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func TestMemoryPerSubscription(t *testing.T) {
	assert.LessOrEqual(t, perSubscription(t), 622.0, "bytes per subscription")
}

func TestCancelledSubscriptionsAreFreed(t *testing.T) {
	h := statusbus.NewMemory()
	before := heap()
	var cancels []func()
	for _, w := range crowded(t, h) {
		w.cancel()
		cancels = append(cancels, w.cancel)
	}
	kept := heap() - before
	runtime.KeepAlive(cancels)
	assert.Less(t, kept/crowd, 300.0, "bytes that a cancelled subscription keeps, as long as its cancel is kept")
}

func BenchmarkSubscriptionBytes(b *testing.B) {
	var bytes float64
	for b.Loop() {
		bytes = perSubscription(b)
	}
	b.ReportMetric(bytes, "B/subscription")
}

func BenchmarkPublish(b *testing.B) {
	h := statusbus.NewMemory()
	crowded(b, h)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Publish(ctx, "account-000000000005000"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPublishParallel(b *testing.B) {
	h := statusbus.NewMemory()
	crowded(b, h)
	ctx := b.Context()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_ = h.Publish(ctx, "account-000000000005000")
		}
	})
}

func BenchmarkSubscribeCancel(b *testing.B) {
	h := statusbus.NewMemory()
	crowded(b, h)
	b.ReportAllocs()
	for b.Loop() {
		cancel, err := h.Subscribe("account", func() {})
		if err != nil {
			b.Fatal(err)
		}
		cancel()
	}
}

func BenchmarkGap(b *testing.B) {
	h := statusbus.NewMemory()
	crowded(b, h)
	b.ReportAllocs()
	for b.Loop() {
		h.Gap()
	}
}
