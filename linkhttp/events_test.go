package linkhttp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

func TestStreamFromTheCodeToTheAccount(t *testing.T) {
	h, e := newTestHandler(t, nil)
	url := serve(t, h)
	id := start(t, h, "ada", `{}`)
	l := e.links(1)[0]
	v := watch(t, url, "ada", id, "")
	assert.Equal(t, "text/event-stream", v.res.Header.Get("Content-Type"))
	assert.Equal(t, "no-store", v.res.Header.Get("Cache-Control"))
	assert.Equal(t, "no", v.res.Header.Get("X-Accel-Buffering"))

	l.show(testQR)
	s := v.must(postpress.LinkShow)
	assert.Equal(t, "1", s.ID)
	assert.Equal(t, "step", s.Name)
	assert.True(t, strings.HasPrefix(s.QRSVG, "<svg "), s.QRSVG)
	assert.Contains(t, s.QRSVG, "<title>QR code to scan with WhatsApp</title>")
	require.NotNil(t, s.ExpiresIn)
	assert.InDelta(t, 60_000, *s.ExpiresIn, 5000)
	assert.WithinDuration(t, time.Now().Add(time.Minute), s.ExpiresAt, 5*time.Second)

	l.is(postpress.LinkExpired)
	assert.Empty(t, v.must(postpress.LinkExpired).QRSVG, "what has expired must not be shown")
	l.showCode("ABCD-1234")
	assert.EqualValues(t, "ABCD-1234", v.must(postpress.LinkShow).PairingCode)
	l.is(postpress.LinkConnecting)
	v.must(postpress.LinkConnecting)
	l.connect()
	s = v.must(postpress.LinkConnected)
	assert.Equal(t, "5", s.ID)
	assert.Equal(t, &linked{ID: "acc_1", Name: "Ada", PhoneNumber: "33612345678"}, s.Account)
	v.ended()
	assert.NotContains(t, v.all.String(), "wa.me", "the text of the code is not for the browser")
	assert.NotContains(t, v.all.String(), "secrettext")
}

func TestLateViewersGetTheCurrentStepAndOthersResume(t *testing.T) {
	h, e := newTestHandler(t, nil)
	url := serve(t, h)
	id := start(t, h, "ada", `{}`)
	l := e.links(1)[0]
	l.show(testQR)
	first := watch(t, url, "ada", id, "")
	assert.Equal(t, "1", first.must(postpress.LinkShow).ID)
	late := watch(t, url, "ada", id, "")
	assert.Equal(t, "1", late.must(postpress.LinkShow).ID)
	back := watch(t, url, "ada", id, "1") // has seen the code: nothing new until something is
	l.is(postpress.LinkConnecting)
	for _, v := range []*viewer{first, late, back} {
		assert.Equal(t, "2", v.must(postpress.LinkConnecting).ID)
	}
	assert.Equal(t, "2", watch(t, url, "ada", id, "nonsense").must(postpress.LinkConnecting).ID)
	first.cancel() // leaving changes nothing
	l.connect()
	late.must(postpress.LinkConnected)
	back.must(postpress.LinkConnected)

	again := watch(t, url, "ada", id, "")
	assert.Equal(t, "3", again.must(postpress.LinkConnected).ID, "a reload shows how it ended")
	again.ended()
	assert.Equal(t, http.StatusNoContent, watch(t, url, "ada", id, "3").res.StatusCode, "who has seen the end must not come back")
}

func TestFailuresHaveCodeAndWords(t *testing.T) {
	for code, err := range map[string]error{
		"expired":           fmt.Errorf("x %w", postpress.ErrIntentExpired),
		"wrong_account":     fmt.Errorf("%w +33699887766", postpress.ErrWrongAccount),
		"unsupported":       &postpress.StartError{AccountID: "a", Err: postpress.ErrUnsupportedCheckpoint},
		"connection_failed": postpress.ErrConnectionFailed,
		"rate_limited":      &postpress.APIError{StatusCode: 429},
		"account_not_found": &postpress.APIError{StatusCode: 404},
		"not_permitted":     &postpress.APIError{StatusCode: 401},
		"unavailable":       &postpress.APIError{StatusCode: 502},
		"failed":            io.ErrUnexpectedEOF,
	} {
		t.Run(code, func(t *testing.T) {
			h, e := newTestHandler(t, nil)
			id := start(t, h, "ada", `{}`)
			e.links(1)[0].fail(err)
			v := watch(t, serve(t, h), "ada", id, "")
			s := v.must(stateFailed)
			assert.Equal(t, code, s.Code)
			assert.Equal(t, words[code], s.Message)
			assert.NotContains(t, s.Data, "33699887766")
			v.ended()
		})
	}
}

func TestNothingFollowsAnOutcome(t *testing.T) {
	f := newFeed()
	f.publish(event{Seq: 7, State: postpress.LinkConnected})
	assert.Equal(t, 7, f.publish(event{Seq: 8, State: stateEnding}).Seq)
	last, _ := f.current()
	assert.Equal(t, postpress.LinkConnected, last.State)
}

func TestHeartbeat(t *testing.T) {
	h, _ := newTestHandler(t, func(c *Config) { c.Heartbeat = 20 * time.Millisecond })
	v := watch(t, serve(t, h), "ada", start(t, h, "ada", `{}`), "")
	lines, _ := v.block()
	require.Len(t, lines, 1)
	assert.Regexp(t, `^retry: 1\d\d\d$`, lines[0])
	for range 3 {
		lines, ok := v.block()
		require.True(t, ok)
		assert.Equal(t, []string{": still here"}, lines)
	}
}

// The time-outs of the server are for requests; a stream outlives them.
func TestStreamOutlivesTheServersTimeouts(t *testing.T) {
	h, e := newTestHandler(t, func(c *Config) { c.Heartbeat = 50 * time.Millisecond })
	s := httptest.NewUnstartedServer(h)
	s.Config.ReadTimeout, s.Config.WriteTimeout = 150*time.Millisecond, 150*time.Millisecond
	s.Start()
	defer s.Close()
	id := start(t, h, "ada", `{}`)
	v := watch(t, s.URL, "ada", id, "")
	time.Sleep(500 * time.Millisecond)
	e.links(1)[0].connect()
	v.must(postpress.LinkConnected)
	v.ended()
}

// A viewer whose connection takes nothing any more is dropped.
func TestSlowViewerIsDropped(t *testing.T) {
	h, e := newTestHandler(t, func(c *Config) {
		c.WriteTimeout, c.Heartbeat, c.MaxViewers = 100*time.Millisecond, time.Hour, 1
	})
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(4096)
		return ctx
	}
	s.Start()
	defer s.Close()
	id := start(t, h, "ada", `{}`)
	l := e.links(1)[0]

	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(4096))
	_, err = fmt.Fprintf(conn, "GET /links/%s/events HTTP/1.1\r\nHost: x\r\nUser: ada\r\n\r\n", id)
	require.NoError(t, err)
	_, err = bufio.NewReaderSize(conn, 16).ReadByte()
	require.NoError(t, err)
	require.Equal(t, http.StatusTooManyRequests, call(t, h, "GET", "/links/"+id+"/events", "ada", "").code, "it is watched")
	stop := make(chan struct{})
	go func() { // codes without end, of 20 KB each
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				l.show(testQR)
			}
		}
	}()
	defer close(stop)
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		return call(t, h, "GET", "/links/"+id+"/events", "ada", "", func(r *http.Request) { *r = *r.WithContext(ctx) }).code == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond, "its place is free again")
}

func TestTooManyViewers(t *testing.T) {
	h, _ := newTestHandler(t, func(c *Config) { c.MaxViewers = 2 })
	url := serve(t, h)
	id := start(t, h, "ada", `{}`)
	one := watch(t, url, "ada", id, "")
	watch(t, url, "ada", id, "")
	third := watch(t, url, "ada", id, "")
	assert.Equal(t, http.StatusTooManyRequests, third.res.StatusCode)
	assert.NotEmpty(t, third.res.Header.Get("Retry-After"))
	one.cancel()
	require.Eventually(t, func() bool { return watch(t, url, "ada", id, "").res.StatusCode == 200 }, 5*time.Second, 10*time.Millisecond)
}

// A text that does not fit into a QR code is nothing the browser can show.
func TestUndrawableCode(t *testing.T) {
	h, e := newTestHandler(t, nil)
	id := start(t, h, "ada", `{}`)
	e.links(1)[0].show(strings.Repeat("x", 5000))
	s := watch(t, serve(t, h), "ada", id, "").must(stateFailed)
	assert.Equal(t, "failed", s.Code)
}

func TestShutdownEndsStreamsAndAttempts(t *testing.T) {
	h, e := newTestHandler(t, nil)
	url := serve(t, h)
	id := start(t, h, "ada", `{}`)
	l := e.links(1)[0]
	l.show(testQR)
	v := watch(t, url, "ada", id, "")
	v.must(postpress.LinkShow)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, h.Shutdown(ctx))
	for {
		if _, ok := v.next(); !ok {
			break
		}
	}
	_, cancels := l.counts()
	assert.Equal(t, 1, cancels, "without a store nobody could go on, and the account would stay pending")
	a := call(t, h, "POST", "/links", "ada", `{}`)
	assert.Equal(t, http.StatusServiceUnavailable, a.code)
	assert.NotEmpty(t, a.Get("Retry-After"))
	require.NoError(t, h.Shutdown(ctx), "twice is fine")
}

func TestShutdownGivesUpWhenItsContextEnds(t *testing.T) {
	h, e := newTestHandler(t, nil)
	start(t, h, "ada", `{}`)
	l := e.links(1)[0]
	l.slow = make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, h.Shutdown(ctx), context.DeadlineExceeded)
	require.NoError(t, h.Close(), "everything has ended")
}
