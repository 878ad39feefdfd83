//go:build unix

package brokertest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Patience bounds every wait for something that has to come. It is generous:
// the machine may be busy, and a test that passes does not use it.
const Patience = 30 * time.Second

// Require ends a test that lacks a program: it is skipped, or has failed where
// POSTPRESS_REQUIRE_BROKERS=1, as in CI, says that nothing may be skipped.
func Require(tb testing.TB, err error) {
	tb.Helper()
	switch {
	case err == nil:
	case os.Getenv("POSTPRESS_REQUIRE_BROKERS") == "1":
		tb.Fatalf("POSTPRESS_REQUIRE_BROKERS=1, but the real broker is missing: %v", err)
	default:
		tb.Skipf("needs the real broker: %v", err)
	}
}

// Server is a broker in a process of its own. Its methods are for the goroutine
// of the test.
type Server struct {
	tb    testing.TB
	path  string
	args  []string
	addr  string
	alive func(addr string) error
	log   buffer
	cmd   *exec.Cmd
}

// Start starts a program that listens on the address that args gets, and waits
// until alive says that it serves. It is killed at the end of the test.
func Start(tb testing.TB, path string, args func(host, port string) []string, alive func(addr string) error) *Server {
	tb.Helper()
	addr := freeAddr(tb)
	host, port, _ := net.SplitHostPort(addr)
	s := &Server{tb: tb, path: path, args: args(host, port), addr: addr, alive: alive}
	s.Restart()
	tb.Cleanup(func() {
		s.Kill()
		if tb.Failed() {
			tb.Logf("%s said:\n%s", path, s.log.tail())
		}
	})
	return s
}

func freeAddr(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Addr returns host:port, which stays the same.
func (s *Server) Addr() string { return s.addr }

// Kill ends the process as a crash does, and returns when it has ended.
func (s *Server) Kill() {
	s.tb.Helper()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // says "signal: killed"
	s.cmd = nil
}

// Restart starts the process on the same address and returns when it serves.
func (s *Server) Restart() {
	s.tb.Helper()
	s.cmd = exec.Command(s.path, s.args...)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		s.tb.Fatal(err)
	}
	Eventually(s.tb, s.path+" serves", func() error { return s.alive(s.addr) })
}

// Pause stops the process without ending it: connections stay open, and nothing
// is answered. It returns when all threads have stopped.
func (s *Server) Pause() {
	s.tb.Helper()
	s.signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(s.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
		if err == nil && status.Stopped() {
			return
		}
		if err != syscall.EINTR {
			s.tb.Fatalf("%s has not stopped: %v, %v", s.path, status, err)
		}
	}
}

// Resume lets it go on.
func (s *Server) Resume() {
	s.tb.Helper()
	s.signal(syscall.SIGCONT)
}

// Reload makes a broker that heeds SIGHUP read its configuration again.
func (s *Server) Reload() {
	s.tb.Helper()
	s.signal(syscall.SIGHUP)
}

func (s *Server) signal(sig os.Signal) {
	s.tb.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.tb.Fatalf("%v: %v", sig, err)
	}
}

// Eventually waits until check returns nil.
func Eventually(tb testing.TB, what string, check func() error) {
	tb.Helper()
	end := time.Now().Add(Patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			tb.Fatalf("%s: not within %v: %v", what, Patience, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Talk connects, sends a line and returns what comes first.
func Talk(addr, line string) (string, error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprint(conn, line); err != nil {
		return "", err
	}
	answer := make([]byte, 4096)
	n, err := conn.Read(answer)
	return string(answer[:n]), err
}

// buffer keeps what a process says.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) tail() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.text.String()
	return text[max(0, len(text)-4000):]
}
