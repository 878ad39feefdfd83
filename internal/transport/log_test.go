package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLogOneRecordPerAttempt(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	synctest.Test(t, func(t *testing.T) {
		s, client := play(
			func(r *http.Request) (*http.Response, error) {
				time.Sleep(70 * time.Millisecond)
				return answers(503, `{"detail":"hidden"}`, "X-Hidden", "hidden")(r)
			},
			fails(errReset), answers(200, `{"name":"hidden"}`))
		tr := newTransport(t, "http://api.test/v1?port=hidden", client, func(c *Config) { c.Logger = logger })
		req := post("hidden-key")
		req.Path, req.Template = "/accounts/acc_hidden/restart", "/accounts/{id}/restart"
		req.Query, req.Header = "cursor=hidden", http.Header{"X-Trace": {"hidden"}}
		_, err := tr.Do(t.Context(), req)
		require.NoError(t, err)

		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, 3)
		var records []map[string]any
		for _, line := range lines {
			var r map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &r))
			delete(r, "time")
			records = append(records, r)
		}
		for i, r := range records {
			assert.Equal(t, "DEBUG", r["level"])
			assert.Equal(t, "POST", r["method"])
			assert.Equal(t, "/accounts/{id}/restart", r["path"])
			assert.EqualValues(t, i+1, r["attempt"])
			assert.Contains(t, r, "duration")
		}
		assert.EqualValues(t, 70*time.Millisecond, records[0]["duration"])
		assert.EqualValues(t, 503, records[0]["status"])
		gaps := s.gaps()
		assert.EqualValues(t, gaps[0]-70*time.Millisecond, records[0]["delay"])
		assert.Equal(t, "connection lost", records[1]["error"])
		assert.NotContains(t, records[1], "status")
		assert.EqualValues(t, gaps[1], records[1]["delay"])
		assert.EqualValues(t, 200, records[2]["status"])
		assert.NotContains(t, records[2], "delay")
		assert.NotContains(t, records[2], "error")
	})
	for _, secret := range []string{"hidden", testKey, "WHATSAPP"} {
		assert.NotContains(t, out.String(), secret)
	}
}

func TestSilentLoggerCostsNothing(t *testing.T) {
	info := slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil))
	allocs := func(l *slog.Logger) float64 {
		_, client := play(answers(200, "{}"))
		client.Transport = roundTripper(answers(200, "{}"))
		tr := newTransport(t, "http://api.test", client, func(c *Config) { c.Logger, c.Timeout = l, 0 })
		req, ctx := get(), context.Background()
		return testing.AllocsPerRun(200, func() { _, _ = tr.Do(ctx, req) })
	}
	assert.Equal(t, allocs(nil), allocs(info))
}
