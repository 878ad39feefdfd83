//go:build unix

package brokertest

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// BenchmarkWake measures the time from Publish to the waiter of another process,
// one hint at a time.
func BenchmarkWake(b *testing.B, from, to statusbus.Bus) {
	woken := make(chan time.Time, 1)
	cancel, err := to.Subscribe("acc_1", func() {
		select {
		case woken <- time.Now():
		default:
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	defer cancel()
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := from.Publish(b.Context(), "acc_1"); err != nil {
			b.Fatal(err)
		}
		took = append(took, (<-woken).Sub(start))
	}
	slices.Sort(took)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(took[(len(took)-1)*p/100].Microseconds()), fmt.Sprintf("p%d-µs", p))
	}
}

// BenchmarkEvents measures how many hints a second go from Publish, called by 64
// at a time, to 10,000 waiters of another process, each with an account of its
// own. It ends when all have arrived.
func BenchmarkEvents(b *testing.B, from, to statusbus.Bus) {
	const accounts = 10_000
	arrived := make(chan struct{}, b.N)
	for i := range accounts {
		cancel, err := to.Subscribe(account(i), func() {
			select {
			case arrived <- struct{}{}:
			default: // a wake-up for nothing
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		defer cancel()
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := range next {
				if err := from.Publish(b.Context(), account(i%accounts)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ResetTimer()
	for i := range b.N {
		next <- i
	}
	close(next)
	wg.Wait()
	for i := range b.N {
		select {
		case <-arrived:
		case <-time.After(Patience):
			b.Fatalf("%d of %d hints have not arrived", b.N-i, b.N)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func account(i int) string { return fmt.Sprintf("account-%015d", i) }

// BenchmarkWaiter measures the memory that one of 10,000 waiters takes, with its
// account, its channel and its cancel.
func BenchmarkWaiter(b *testing.B, bus statusbus.Bus) {
	const n = 10_000
	var bytes float64
	for b.Loop() {
		before := heap()
		cancels := make([]func(), n)
		for i := range cancels {
			signal := make(chan struct{}, 1)
			cancel, err := bus.Subscribe(account(i), func() {
				select {
				case signal <- struct{}{}:
				default:
				}
			})
			if err != nil {
				b.Fatal(err)
			}
			cancels[i] = cancel
		}
		bytes = (heap() - before) / n
		for _, cancel := range cancels {
			cancel()
		}
	}
	b.ReportMetric(bytes, "B/waiter")
}

func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
