package postpress_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// cannedPool has connections that answer each write at once and allocate nothing.
func cannedPool(call int) *http.Transport {
	text := [3]string{benchAccount, benchCheckpoint, benchCheckpoint}[call]
	answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	pool := benchPool()
	pool.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return &cannedConn{answer: []byte(answer), asked: make(chan struct{}, 1), closed: make(chan struct{})}, nil
	}
	return pool
}

type cannedConn struct {
	net.Conn // not called
	answer   []byte
	asked    chan struct{}
	closed   chan struct{}
	once     sync.Once
}

func (c *cannedConn) Write(p []byte) (int, error) { c.asked <- struct{}{}; return len(p), nil }
func (c *cannedConn) Close() error                { c.once.Do(func() { close(c.closed) }); return nil }

func (c *cannedConn) Read(p []byte) (int, error) {
	select {
	case <-c.asked:
		return copy(p, c.answer), nil
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

const benchServerEnv = "POSTPRESS_BENCH_SERVER" // http or https, in the second process only

// benchServer starts the server here or in a second process, which is this program once more.
func benchServer(b *testing.B, second, secure bool) (base string, pool *http.Transport) {
	b.Helper()
	pool = benchPool()
	scheme := "http"
	if secure {
		scheme = "https"
		known := httptest.NewTLSServer(nil) // all of httptest's servers have one certificate
		pool.TLSClientConfig = known.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		known.Close()
	}
	b.Cleanup(pool.CloseIdleConnections)
	if !second {
		s := startBenchServer(scheme)
		b.Cleanup(s.Close)
		return s.URL + "/v1", pool
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestSecondProcess$")
	cmd.Env = append(os.Environ(), benchServerEnv+"="+scheme)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	return strings.TrimSpace(line) + "/v1", pool
}

func startBenchServer(scheme string) *httptest.Server {
	if scheme == "https" {
		return httptest.NewTLSServer(http.HandlerFunc(benchHandler))
	}
	return httptest.NewServer(http.HandlerFunc(benchHandler))
}

// TestSecondProcess is the server of the benchmarks when they start this
// program again; otherwise there is nothing to do.
func TestSecondProcess(*testing.T) {
	scheme := os.Getenv(benchServerEnv)
	if scheme == "" {
		return
	}
	s := startBenchServer(scheme)
	fmt.Println(s.URL)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the first process closes it
	s.Close()
}
