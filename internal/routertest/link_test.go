package routertest

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/linkhttp"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// A linkhttp.Handler streams through the middleware of each router, as its
// documentation mounts it.
func TestLinkHandlerUnderRouters(t *testing.T) {
	for name, mount := range map[string]func(http.Handler) http.Handler{
		"net/http": func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/whatsapp/", h)
			return mux
		},
		"chi": func(h http.Handler) http.Handler {
			r := newChi()
			r.Mount("/whatsapp", h)
			return r
		},
		"gin": func(h http.Handler) http.Handler {
			r := newGin()
			r.Any("/whatsapp/*any", gin.WrapH(h))
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			double := postpresstest.NewServer()
			defer double.Close()
			client := double.Client()
			defer client.Close()
			h, err := linkhttp.NewHandler(linkhttp.Config{
				Client: client, Authorize: func(*http.Request) (string, error) { return "ada", nil },
			})
			require.NoError(t, err)
			defer h.Close()
			server := httptest.NewServer(mount(http.StripPrefix("/whatsapp", h)))
			defer server.Close()

			started := ask(t, http.MethodPost, server.URL+"/whatsapp/links", "{}")
			require.Equal(t, http.StatusCreated, started.StatusCode)
			var link struct{ ID string }
			require.NoError(t, json.NewDecoder(started.Body).Decode(&link))
			stream := ask(t, http.MethodGet, server.URL+"/whatsapp/links/"+link.ID+"/events", "")
			require.Equal(t, http.StatusOK, stream.StatusCode)
			steps := bufio.NewReader(stream.Body)
			first := step(t, steps)
			assert.Equal(t, "show", first.State, "at once: nothing in between keeps it back")
			assert.Contains(t, first.QR, "<svg")
			require.NoError(t, double.Scan(double.Accounts()[0].ID))
			for last := first; last.State != "connected"; {
				last = step(t, steps)
				require.NotEqual(t, "failed", last.State)
			}
		})
	}
}

func ask(t *testing.T, method, url, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

type linkStep struct {
	State string `json:"state"`
	QR    string `json:"qr_svg"`
}

// step reads the next event that has data.
func step(t *testing.T, stream *bufio.Reader) (s linkStep) {
	t.Helper()
	for {
		line, err := stream.ReadString('\n')
		require.NotErrorIs(t, err, io.EOF, "the stream ended early")
		require.NoError(t, err)
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			require.NoError(t, json.Unmarshal([]byte(data), &s))
			return s
		}
	}
}
