package natsbus_test

import (
	"testing"

	"github.com/postpress-ai/postpress-go/statusbus/internal/brokertest"
	"github.com/postpress-ai/postpress-go/statusbus/statusbustest"
)

func TestInProcessConforms(t *testing.T) {
	proxy := brokertest.NewProxy(t, inProcess(t).Addr().String())
	statusbustest.Run(t, statusbustest.Config{
		Transport: transports("nats://" + proxy.Addr()),
		Break:     proxy.Cut,
	})
}

// TestNATSConforms breaks connections as a crash does.
func TestNATSConforms(t *testing.T) {
	s := newPermissive(t)
	statusbustest.Run(t, statusbustest.Config{
		Transport: transports(s.url()),
		Break: func() func() {
			s.Kill()
			return s.Restart
		},
		Refuse: func() func() {
			s.allow(t, nothing)
			return func() { s.allow(t, everything) }
		},
		Timeout: brokertest.Patience,
	})
}
