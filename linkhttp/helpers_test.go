package linkhttp

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

// newTestHandler authorises whoever says who he is in the header User.
func newTestHandler(t testing.TB, change func(*Config)) (*Handler, *fakeEngine) {
	t.Helper()
	client, err := postpress.New("pp_test_linkhttp")
	require.NoError(t, err)
	cfg := Config{
		Client:    client,
		Authorize: func(r *http.Request) (string, error) { return r.Header.Get("User"), nil },
	}
	if change != nil {
		change(&cfg)
	}
	h, err := NewHandler(cfg)
	require.NoError(t, err)
	e := &fakeEngine{}
	h.engine = e
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	return h, e
}

type answer struct {
	code int
	body map[string]string
	http.Header
}

// call sends one request without a socket.
func call(t testing.TB, h http.Handler, method, path, user, body string, change ...func(*http.Request)) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("User", user)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a := answer{code: w.Code, Header: w.Header()}
	if w.Body.Len() > 0 && w.Header().Get("Content-Type") == "application/json" {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a.body))
	}
	return a
}

func start(t testing.TB, h http.Handler, user, body string) (id string) {
	t.Helper()
	a := call(t, h, "POST", "/links", user, body)
	require.Equal(t, http.StatusCreated, a.code, a.body)
	require.NotEmpty(t, a.body["id"])
	return a.body["id"]
}

// seen is one event as a browser gets it.
type seen struct {
	ID, Name, Data string
	wire
}

// viewer reads a stream over a socket.
type viewer struct {
	t      testing.TB
	res    *http.Response
	cancel context.CancelFunc
	lines  *bufio.Reader
	all    strings.Builder // as it came
}

func watch(t testing.TB, url, user, id, lastEventID string) *viewer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/links/"+id+"/events", nil)
	require.NoError(t, err)
	r.Header.Set("User", user)
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	return &viewer{t: t, res: res, cancel: cancel, lines: bufio.NewReader(res.Body)}
}

// block is what stands until the next empty line; ok is false at the end.
func (v *viewer) block() (lines []string, ok bool) {
	v.t.Helper()
	for {
		line, err := v.lines.ReadString('\n')
		v.all.WriteString(line)
		if err != nil {
			return nil, false
		}
		if line = strings.TrimSuffix(line, "\n"); line == "" {
			return lines, true
		}
		lines = append(lines, line)
	}
}

// next is the next event, comments left out.
func (v *viewer) next() (seen, bool) {
	v.t.Helper()
	for {
		lines, ok := v.block()
		if !ok {
			return seen{}, false
		}
		var s seen
		for _, line := range lines {
			field, value, _ := strings.Cut(line, ": ")
			switch field {
			case "id":
				s.ID = value
			case "event":
				s.Name = value
			case "data":
				s.Data = value
			}
		}
		if s.Data != "" {
			require.NoError(v.t, json.Unmarshal([]byte(s.Data), &s.wire))
			return s, true
		}
	}
}

func (v *viewer) must(state postpress.LinkState) seen {
	v.t.Helper()
	s, ok := v.next()
	require.True(v.t, ok, "the stream ended, %s was expected", state)
	require.Equal(v.t, state, s.State, s.Data)
	return s
}

// skipTo reads on to the first event of the state.
func (v *viewer) skipTo(state postpress.LinkState) seen {
	v.t.Helper()
	for {
		s, ok := v.next()
		require.True(v.t, ok, "the stream ended, %s was expected", state)
		if s.State == state {
			return s
		}
	}
}

func (v *viewer) ended() {
	v.t.Helper()
	s, ok := v.next()
	require.False(v.t, ok, "%v", s)
}

func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

// lastEvent is the stream of an attempt that has ended.
func lastEvent(t *testing.T, h http.Handler, id, user string) string {
	t.Helper()
	w := httptest.NewRecorder()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "/links/"+id+"/events", nil)
	require.NoError(t, err)
	r.Header.Set("User", user)
	h.ServeHTTP(w, r)
	return w.Body.String()
}
