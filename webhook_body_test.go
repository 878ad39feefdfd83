package postpress_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
)

// hookBody counts the reads of a body.
type hookBody struct{ reads atomic.Int64 }

func (b *hookBody) Read(p []byte) (int, error) {
	b.reads.Add(1)
	return copy(p, hookJSON), io.EOF
}
func (*hookBody) Close() error { return nil }

// Whatever the size of the body: before the sender is known, and where there is no room, nobody looks at it.
func TestWebhookHandlerLeavesBodiesUnread(t *testing.T) {
	told := new(hookTold)
	h := newHook(t, told)
	serve := func(method, secret string, length int64) (int, int64) {
		body := new(hookBody)
		w, r := httptest.NewRecorder(), httptest.NewRequest(method, "/", body)
		r.ContentLength = length
		r.Header.Set("Postpress-Auth", secret)
		h.ServeHTTP(w, r)
		return w.Code, body.reads.Load()
	}
	for _, length := range []int64{-1, 1, 1 << 20, 1 << 40} {
		for _, row := range []struct {
			method, secret string
			want           int
		}{{"PATCH", hookSecret, 405}, {"POST", "wrong", 401}, {"POST", "", 401}} {
			code, reads := serve(row.method, row.secret, length)
			assert.Equal(t, row.want, code)
			assert.Zero(t, reads)
		}
	}
	code, reads := serve("POST", hookSecret, 1<<20+1)
	assert.Equal(t, 413, code)
	assert.Zero(t, reads, "its length is announced")
	require.NoError(t, h.Shutdown(t.Context()))
	code, reads = serve("POST", hookSecret, 10)
	assert.Equal(t, 503, code)
	assert.Zero(t, reads)
	told.nobody(t)
}

// hookDial sends the head of a request and perhaps some of its body, and gives
// the connection to read the answers from.
func hookDial(t *testing.T, url, head string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second))) // only a failing test gets there
	_, err = io.WriteString(conn, strings.ReplaceAll(head, "\n", "\r\n"))
	require.NoError(t, err)
	return conn, bufio.NewReader(conn)
}

func hookAnswer(t *testing.T, r *bufio.Reader) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	return resp
}

func TestWebhookHandlerAnswersBeforeTheBody(t *testing.T) {
	told := new(hookTold)
	url := hookServer(t, newHook(t, told))
	for name, head := range map[string]string{
		"asks first":      "POST / HTTP/1.1\nHost: x\nContent-Length: 1048576\nExpect: 100-continue\n\n",
		"large":           "POST / HTTP/1.1\nHost: x\nContent-Length: 1048576\n\n{",
		"small, but slow": "POST / HTTP/1.1\nHost: x\nContent-Length: 100\n\n{",
		"chunked, slow":   "POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n1\n{\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, r := hookDial(t, url, head)
			resp := hookAnswer(t, r)
			assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "no 100 Continue either")
			assert.True(t, resp.Close)
			_, err := io.Copy(io.Discard, r)
			assert.NotErrorIs(t, err, context.DeadlineExceeded)
			var timeout net.Error
			assert.False(t, errors.As(err, &timeout) && timeout.Timeout(), "the connection is cut, whatever is still to come")
		})
	}
	t.Run("known sender", func(t *testing.T) {
		t.Parallel()
		conn, r := hookDial(t, url, "POST / HTTP/1.1\nHost: x\nContent-Length: 2\nExpect: 100-continue\nPostpress-Auth: "+hookSecret+"\n\n")
		assert.Equal(t, http.StatusContinue, hookAnswer(t, r).StatusCode)
		_, err := io.WriteString(conn, "{}")
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, hookAnswer(t, r).StatusCode)
	})
}

// A sender who is known but stops in the middle holds nothing for long.
func TestWebhookHandlerReadTimeout(t *testing.T) {
	told := new(hookTold)
	h := newHook(t, told, func(c *postpress.WebhookConfig) { c.ReadTimeout = 20 * time.Millisecond })
	mux := http.NewServeMux()
	mux.Handle("/hooks/", http.StripPrefix("/hooks", h))
	mux.Handle("/wrapped/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(hookWrapped{w}, r) // as the middleware of routers does
	}))
	url := hookServer(t, mux)
	for _, path := range []string{"/hooks/a", "/wrapped/"} {
		_, r := hookDial(t, url, "POST "+path+" HTTP/1.1\nHost: x\nContent-Length: 100\nPostpress-Auth: "+hookSecret+"\n\n{")
		resp := hookAnswer(t, r)
		assert.Equal(t, http.StatusRequestTimeout, resp.StatusCode)
		assert.True(t, resp.Close)
	}
	told.nobody(t)
}

// The half of a form may look like a form.
func TestWebhookHandlerRefusesACutBody(t *testing.T) {
	told := new(hookTold)
	conn, r := hookDial(t, hookServer(t, newHook(t, told)), "POST / HTTP/1.1\nHost: x\nContent-Length: 1000\nPostpress-Auth: "+hookSecret+"\n\n"+hookJSON)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	assert.Equal(t, http.StatusBadRequest, hookAnswer(t, r).StatusCode)
	told.nobody(t)
}

type hookWrapped struct{ w http.ResponseWriter }

func (w hookWrapped) Header() http.Header         { return w.w.Header() }
func (w hookWrapped) Write(b []byte) (int, error) { return w.w.Write(b) }
func (w hookWrapped) WriteHeader(code int)        { w.w.WriteHeader(code) }
func (w hookWrapped) Unwrap() http.ResponseWriter { return w.w }

// hookDeadlines notes the read deadlines that a handler sets.
type hookDeadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (w *hookDeadlines) SetReadDeadline(t time.Time) error { w.set = append(w.set, t); return nil }

// A deadline that is left would pass during a callback, and net/http would
// take the sender for gone.
func TestWebhookHandlerTakesTheReadDeadlineBack(t *testing.T) {
	began := time.Now()
	w, r := &hookDeadlines{ResponseRecorder: httptest.NewRecorder()}, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
	r.Header.Set("Postpress-Auth", hookSecret)
	newHook(t, new(hookTold)).ServeHTTP(w, r)
	require.Len(t, w.set, 2)
	assert.WithinRange(t, w.set[0], began.Add(5*time.Second), time.Now().Add(5*time.Second))
	assert.Zero(t, w.set[1])
}

func TestWebhookHandlerWithoutABody(t *testing.T) {
	r, err := http.NewRequest(http.MethodPost, "/", nil)
	require.NoError(t, err)
	r.Header.Set("Postpress-Auth", hookSecret)
	w := httptest.NewRecorder()
	newHook(t, new(hookTold)).ServeHTTP(w, r)
	assert.Equal(t, http.StatusBadRequest, w.Code)
}

// The connection of a sender who is known is kept, also after a broken body.
func TestWebhookHandlerKeepsConnections(t *testing.T) {
	url := hookServer(t, newHook(t, new(hookTold)))
	conn, r := hookDial(t, url, "")
	for body, want := range map[string]int{"{ ": 400, "{}": 200} {
		_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nPostpress-Auth: "+hookSecret+"\r\n\r\n"+body)
		require.NoError(t, err)
		resp := hookAnswer(t, r)
		assert.Equal(t, want, resp.StatusCode)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
	}
}
