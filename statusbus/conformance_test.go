package statusbus_test

import (
	"context"
	"testing"

	"github.com/postpress-ai/postpress-go/statusbus"
	"github.com/postpress-ai/postpress-go/statusbus/statusbustest"
)

func TestMemoryConforms(t *testing.T) {
	statusbustest.Run(t, statusbustest.Config{
		Bus:    func(context.Context) (statusbustest.Bus, error) { return statusbus.NewMemory(), nil },
		Single: true,
	})
}
