package postpresstest

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// memListener hands the far ends of dialled memConns to an http.Server.
type memListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newMemListener() *memListener {
	return &memListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, netError("accept", net.ErrClosed)
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *memListener) Addr() net.Addr { return memAddr{} }

// dial connects to the listener whatever address is asked for; once it is closed
// the error is the one a closed port gives.
func (l *memListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := memPipe()
	select {
	case <-l.done:
		return nil, netError("dial", syscall.ECONNREFUSED)
	default:
	}
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, netError("dial", syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, netError("dial", ctx.Err())
	}
}
