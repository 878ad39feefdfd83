package natsbus_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/statusbus/internal/brokertest"
	"github.com/postpress-ai/postpress-go/statusbus/natsbus"
)

// What the user of a permissive server may do with the subject of the bus.
const (
	everything = "{}"
	nothing    = `{publish: {deny: "postpress.status"}}`
	sendOnly   = `{subscribe: {deny: "postpress.status"}}`
)

// permissive is a nats-server whose permissions change while it runs.
type permissive struct {
	*brokertest.Server
	file string
}

func newPermissive(tb testing.TB) *permissive {
	tb.Helper()
	p := &permissive{file: filepath.Join(tb.TempDir(), "nats.conf")}
	p.write(tb, everything)
	p.Server = server(tb, "-c", p.file)
	return p
}

func (p *permissive) url() string { return "nats://app:app@" + p.Addr() }

func (p *permissive) write(tb testing.TB, permissions string) {
	tb.Helper()
	config := fmt.Sprintf("authorization: {users: [{user: app, password: app, permissions: %s}]}\n", permissions)
	require.NoError(tb, os.WriteFile(p.file, []byte(config), 0o600))
}

// allow returns when the server heeds new permissions.
func (p *permissive) allow(tb testing.TB, permissions string) {
	tb.Helper()
	p.write(tb, permissions)
	p.Reload()
	brokertest.Eventually(tb, "new permissions", func() error {
		nc, err := nats.Connect(p.url(), defaults()...)
		if err != nil {
			return err
		}
		defer nc.Close()
		if now := allowed(nc); now != permissions {
			return errors.New(now)
		}
		return nil
	})
}

func allowed(nc *nats.Conn) string {
	_ = nc.Publish(natsbus.DefaultSubject, nil)
	_ = nc.Flush()
	if errors.Is(nc.LastError(), nats.ErrPermissionViolation) {
		return nothing
	}
	_, _ = nc.SubscribeSync(natsbus.DefaultSubject)
	_ = nc.Flush()
	if errors.Is(nc.LastError(), nats.ErrPermissionViolation) {
		return sendOnly
	}
	return everything
}
