package redisbus_test

import (
	"testing"

	"github.com/postpress-ai/postpress-go/statusbus/internal/brokertest"
)

func BenchmarkWake(b *testing.B) {
	s := server(b)
	brokertest.BenchmarkWake(b, bus(b, s.Addr()), bus(b, s.Addr()))
}

func BenchmarkEvents(b *testing.B) {
	s := server(b)
	brokertest.BenchmarkEvents(b, bus(b, s.Addr()), bus(b, s.Addr()))
}

func BenchmarkWaiter(b *testing.B) {
	brokertest.BenchmarkWaiter(b, bus(b, server(b).Addr()))
}
