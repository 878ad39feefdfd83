package postpress

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// BenchmarkWaitMemory tells what a wait costs while it waits, without the
// connections of the looks in flight: the API is in memory, and holds them all
// without a bus; with one, it has answered each once.
func BenchmarkWaitMemory(b *testing.B) {
	for name, id := range map[string]func(i int) string{
		"accounts=10000": crowdID,
		"accounts=1000":  func(i int) string { return crowdID(i % 1000) },
		"accounts=1":     func(int) string { return waitID },
	} {
		b.Run("polling/"+name, func(b *testing.B) {
			measureWaits(b, id, held(time.Hour, nil), WithPollRate(1000))
		})
		b.Run("bus/"+name, func(b *testing.B) {
			measureWaits(b, id, is(StatusConnecting), WithPollRate(1000), WithStatusBus(statusbus.NewMemory()))
		})
		b.Run("crowd-bus/"+name, func(b *testing.B) { // by the list, at the default rate
			measureWaits(b, id, is(StatusConnecting), WithStatusBus(statusbus.NewMemory()))
		})
	}
}

func measureWaits(b *testing.B, id func(i int) string, look answer, opts ...Option) {
	const n = 10_000
	for b.Loop() {
		api := newWaitAPI(b, opts...)
		api.answers(look)
		api.list = look
		before := inUse()
		ctx, cancel := context.WithCancel(context.Background())
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { _, _ = api.client.WaitForConnection(ctx, id(i)) })
		}
		time.Sleep(15 * time.Second) // until they are all at rest
		b.ReportMetric(float64(inUse()-before)/n, "B/wait")
		cancel()
		all.Wait()
	}
}

func inUse() uint64 {
	var m runtime.MemStats
	for range 5 { // each halves the stacks that are too large
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
