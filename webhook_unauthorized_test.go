package postpress_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
)

// strangeSizes are a small body and the largest one that a known sender may send.
var strangeSizes = []int{100, 1 << 20}

// strangeServer counts what it reads off its connections.
func strangeServer(t testing.TB) (url string, read *atomic.Int64) {
	t.Helper()
	read = new(atomic.Int64)
	server := httptest.NewUnstartedServer(newHook(t, new(hookTold)))
	server.Listener = countingListener{server.Listener, read}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, read
}

type countingListener struct {
	net.Listener
	read *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countingConn{c, l.read}, err
}

type countingConn struct {
	net.Conn
	read *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// CloseWrite lets net/http end the connection as it ends a TCP one: what is still
// coming in is not read, and the answer arrives all the same.
func (c countingConn) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }

// strangePost sends a body without the secret, and reads the answer.
func strangePost(t testing.TB, url string, body []byte) {
	conn, err := net.Dial("tcp", url[len("http://"):])
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n")
	require.NoError(t, err)
	sent := make(chan struct{})
	go func() {
		_, _ = conn.Write(body) // fails where the server does not take it all
		close(sent)
	}()
	var answer [1024]byte
	n, err := conn.Read(answer[:])
	require.NoError(t, err)
	require.Contains(t, string(answer[:n]), "401 Unauthorized")
	_ = conn.Close()
	<-sent
}

// A stranger who sends 1 MiB costs no more than one who sends 100 bytes: no reads
// beyond the buffer of the head, and no memory.
func TestUnauthorizedCostsTheSameForEverySize(t *testing.T) {
	for _, size := range strangeSizes {
		url, read := strangeServer(t)
		strangePost(t, url, bytes.Repeat([]byte("x"), size))
		assert.LessOrEqual(t, read.Load(), int64(4096+512), "bytes read of a body of %d: the buffer of net/http and no more", size)
	}
	// Within two, since pools are emptied now and then; reading 1 MiB takes dozens.
	assert.InDelta(t, strangeAllocs(t, strangeSizes[0]), strangeAllocs(t, strangeSizes[1]), 2)
}

// strangeAllocs are the allocations of the handler alone.
func strangeAllocs(t *testing.T, size int) float64 {
	h, body := newHook(t, new(hookTold)), bytes.Repeat([]byte("x"), size)
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set(postpress.DefaultWebhookHeader, "the secret of a stranger")
	return testing.AllocsPerRun(100, func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Error(w.Code)
		}
	})
}

func BenchmarkUnauthorized(b *testing.B) {
	for _, size := range strangeSizes {
		b.Run(strconv.Itoa(size)+"B", func(b *testing.B) {
			url, read := strangeServer(b)
			body := bytes.Repeat([]byte("x"), size)
			b.ReportAllocs()
			for b.Loop() {
				strangePost(b, url, body)
			}
			b.ReportMetric(float64(read.Load())/float64(b.N), "B-read/op")
		})
	}
}

// BenchmarkUnauthorizedHandler is the handler alone, without sockets.
func BenchmarkUnauthorizedHandler(b *testing.B) {
	for _, size := range strangeSizes {
		b.Run(strconv.Itoa(size)+"B", func(b *testing.B) {
			h := newHook(b, new(hookTold))
			r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(make([]byte, size)))
			r.Header.Set(postpress.DefaultWebhookHeader, "the secret of a stranger")
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
