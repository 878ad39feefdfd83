package postpress

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"
)

// BenchmarkWaitMemory tells what a wait costs while it waits, without the
// connections of the looks in flight: the API is in memory and holds them.
func BenchmarkWaitMemory(b *testing.B) {
	const n = 10000
	for name, id := range map[string]func(i int) string{
		"accounts=10000": crowdID,
		"accounts=1000":  func(i int) string { return crowdID(i % 1000) },
		"accounts=1":     func(int) string { return waitID },
	} {
		b.Run(fmt.Sprintf("waits=%d/%s", n, name), func(b *testing.B) {
			for b.Loop() {
				api := newWaitAPI(b, WithPollRate(1000))
				api.look = func(r *http.Request, _ string, _ int) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				api.list = func(r *http.Request) (*http.Response, error) { return api.look(r, "", 0) }
				before := inUse()
				ctx, cancel := context.WithCancel(context.Background())
				var all sync.WaitGroup
				for i := range n {
					all.Go(func() { _, _ = api.client.WaitForConnection(ctx, id(i)) })
				}
				time.Sleep(2 * time.Second) // until they are all at rest
				b.ReportMetric(float64(inUse()-before)/n, "B/wait")
				cancel()
				all.Wait()
			}
		})
	}
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
