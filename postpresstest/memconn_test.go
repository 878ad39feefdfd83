package postpresstest

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMemConnClose(t *testing.T) {
	client, server := memPipe()
	_, err := client.Write([]byte("ab"))
	require.NoError(t, err)
	require.NoError(t, client.Close())
	all, err := io.ReadAll(server)
	require.NoError(t, err)
	assert.Equal(t, "ab", string(all), "what was written before is read to its end")
	_, err = server.Write([]byte("c"))
	require.ErrorIs(t, err, syscall.EPIPE)
	_, err = client.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = client.Write([]byte("c"))
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestMemConnReset(t *testing.T) {
	client, server := memPipe()
	_, err := server.Write([]byte("ab"))
	require.NoError(t, err)
	require.NoError(t, server.SetLinger(0))
	require.NoError(t, server.Close())
	require.NoError(t, server.Close())
	_, err = client.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	_, err = client.Write([]byte("c"))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	_, err = server.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestMemConnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := memPipe()
		began := time.Now()
		require.NoError(t, client.SetDeadline(began.Add(time.Hour)))
		require.NoError(t, client.SetDeadline(began.Add(time.Minute)))
		_, err := client.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(began))

		require.NoError(t, client.SetWriteDeadline(began))
		require.NoError(t, client.SetReadDeadline(time.Time{}))
		time.AfterFunc(time.Hour, func() { _, _ = server.Write([]byte("a")) })
		n, err := client.Read(make([]byte, 1))
		require.NoError(t, err)
		assert.Equal(t, 1, n)

		require.NoError(t, client.SetReadDeadline(time.Now().Add(-1)))
		_, err = client.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.NoError(t, client.SetReadDeadline(time.Now().Add(time.Hour)))
		require.NoError(t, client.Close())
		assert.Equal(t, "memory", client.LocalAddr().String())
		assert.Equal(t, "mem", client.RemoteAddr().Network())
	})
}

func TestMemListener(t *testing.T) {
	l := newMemListener()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.dial(ctx, "", "")
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "memory", l.Addr().String())

	refused := make(chan error)
	go func() {
		_, err := l.dial(t.Context(), "", "")
		refused <- err
	}()
	require.NoError(t, l.Close())
	require.ErrorIs(t, <-refused, syscall.ECONNREFUSED)
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}
