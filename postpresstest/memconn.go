package postpresstest

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// memConn is one end of a connection in memory. It blocks on a sync.Cond, which
// testing/synctest counts as durably blocked, where a socket would stop its clock.
// Like TCP it buffers what is written, and like [net.TCPConn] it is reset instead
// of closed after SetLinger(0).
type memConn struct {
	in, out *stream
	reset   atomic.Bool
}

func memPipe() (client, server *memConn) {
	a, b := newStream(), newStream()
	return &memConn{in: a, out: b}, &memConn{in: b, out: a}
}

func (c *memConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *memConn) Write(p []byte) (int, error) { return c.out.write(p) }

func (c *memConn) Close() error {
	c.out.closeWriter(c.reset.Load())
	c.in.closeReader(c.reset.Load())
	return nil
}

// SetLinger arms a reset with 0, as on a TCP connection.
func (c *memConn) SetLinger(sec int) error {
	c.reset.Store(sec == 0)
	return nil
}

func (c *memConn) LocalAddr() net.Addr                { return memAddr{} }
func (c *memConn) RemoteAddr() net.Addr               { return memAddr{} }
func (c *memConn) SetDeadline(t time.Time) error      { return c.SetReadDeadline(t) }
func (c *memConn) SetReadDeadline(t time.Time) error  { c.in.setDeadline(t); return nil }
func (c *memConn) SetWriteDeadline(t time.Time) error { return nil } // writes never block

type memAddr struct{}

func (memAddr) Network() string { return "mem" }
func (memAddr) String() string  { return "memory" }

// stream is one direction of a memConn, with room for any amount of data.
type stream struct {
	mu           sync.Mutex
	cond         *sync.Cond
	buf          []byte
	writerClosed bool
	readerClosed bool
	reset        bool
	expired      bool
	deadline     *time.Timer
}

func newStream() *stream {
	s := &stream{}
	s.cond = sync.NewCond(&s.mu)
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readerClosed:
			return 0, netError("read", net.ErrClosed)
		case s.reset:
			return 0, netError("read", syscall.ECONNRESET)
		case s.expired:
			return 0, os.ErrDeadlineExceeded
		case len(s.buf) > 0:
			n := copy(p, s.buf)
			s.buf = s.buf[n:]
			return n, nil
		case s.writerClosed:
			return 0, io.EOF
		}
		s.cond.Wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.writerClosed:
		return 0, netError("write", net.ErrClosed)
	case s.reset:
		return 0, netError("write", syscall.ECONNRESET)
	case s.readerClosed:
		return 0, netError("write", syscall.EPIPE)
	}
	s.buf = append(s.buf, p...)
	s.cond.Broadcast()
	return len(p), nil
}

func (s *stream) closeWriter(reset bool) { s.closeEnd(&s.writerClosed, reset) }
func (s *stream) closeReader(reset bool) { s.closeEnd(&s.readerClosed, reset) }

func (s *stream) closeEnd(end *bool, reset bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reset = s.reset || reset && !*end
	*end = true
	if s.deadline != nil && s.readerClosed {
		s.deadline.Stop()
	}
	s.cond.Broadcast()
}

func (s *stream) setDeadline(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deadline != nil {
		s.deadline.Stop()
		s.deadline = nil
	}
	s.expired = !t.IsZero() && !t.After(time.Now())
	if !t.IsZero() && !s.expired && !s.readerClosed {
		var timer *time.Timer
		timer = time.AfterFunc(time.Until(t), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.expired = s.expired || s.deadline == timer // not if it was replaced meanwhile
			s.cond.Broadcast()
		})
		s.deadline = timer
	}
	s.cond.Broadcast()
}

func netError(op string, err error) error {
	return &net.OpError{Op: op, Net: memAddr{}.Network(), Addr: memAddr{}, Err: err}
}
