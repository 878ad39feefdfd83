//go:build unix

package statusbus_test

import (
	"testing"

	"github.com/postpress-ai/postpress-go/statusbus"
	"github.com/postpress-ai/postpress-go/statusbus/internal/brokertest"
)

// The memory bus in the benchmarks of the adapters, side by side with them.

func BenchmarkWake(b *testing.B) {
	bus := statusbus.NewMemory()
	brokertest.BenchmarkWake(b, bus, bus)
}

func BenchmarkEvents(b *testing.B) {
	bus := statusbus.NewMemory()
	brokertest.BenchmarkEvents(b, bus, bus)
}

func BenchmarkWaiter(b *testing.B) {
	brokertest.BenchmarkWaiter(b, statusbus.NewMemory())
}
