package postpress_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

// records reads what a JSON handler has written.
func records(t *testing.T, log string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log) {
		var r map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		all = append(all, r)
	}
	return all
}

func TestWithLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		api := newMockAPI(t, postpress.WithRetryPolicy(postpress.RetryPolicy{}),
			postpress.WithLogger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		api.answer("POST", "/accounts/"+mockID, httpmock.NewErrorResponder(errors.New("reset: "+mockKey)), reply(503, fixtureQR),
			reply(202, fixture(t, "starts/pairing_code.json")))
		_, err := api.client.ReconnectWhatsAppPairing(t.Context(), mockID, "+33 6 12 34 56 78", postpress.WithHeader("X-Trace", "trace-1"))
		require.NoError(t, err)

		got := records(t, log.String())
		require.Len(t, got, 3, "one record per attempt")
		for i, r := range got {
			assert.Equal(t, "DEBUG", r["level"])
			assert.Equal(t, "POST", r["method"])
			assert.Equal(t, "/accounts/{id}", r["path"])
			assert.EqualValues(t, i+1, r["attempt"])
			assert.Contains(t, r, "duration")
			assert.Equal(t, i < 2, r["delay"] != nil, "the delay before the next one")
		}
		assert.NotEmpty(t, got[0]["error"])
		assert.EqualValues(t, 503, got[1]["status"])
		assert.EqualValues(t, 202, got[2]["status"])
		for _, secret := range []string{mockKey, mockID, "33612345678", "ABCD", "linked_devices", "trace-1", api.sent[0].Header.Get("Idempotency-Key")} {
			assert.NotContains(t, log.String(), secret)
		}
	})
}

func TestLoggerAboveDebugIsSilent(t *testing.T) {
	var log bytes.Buffer
	api := newMockAPI(t, postpress.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	api.answer("GET", "/accounts/a", reply(200, `{"id":"a"}`))
	_, err := api.client.GetAccount(t.Context(), "a")
	require.NoError(t, err)
	assert.Empty(t, log.String())
}

// An error is logged by its parts, what it does not have left out.
func TestAPIErrorLogValue(t *testing.T) {
	var log bytes.Buffer
	l := slog.New(slog.NewJSONHandler(&log, nil))
	l.Info("x", "err", failWith(t, 429, fixture(t, "errors/rate_limited.error.json"), map[string][]string{"Retry-After": {"7"}}))
	l.Info("x", "err", failWith(t, 502, "", nil))
	l.Info("x", "err", (*postpress.APIError)(nil))
	got := records(t, log.String())
	assert.Equal(t, map[string]any{
		"method": "DELETE", "path": "/accounts/{id}", "status": 429.0, "type": "errors/too_many_requests", "detail": "Slow down.",
		"request_id": "0e1f3a8a-5c1e-4c89-9d3a-2f4b6a7c8d9e", "retry_after": 7e9, "attempts": 1.0,
	}, got[0]["err"])
	assert.Equal(t, map[string]any{"method": "DELETE", "path": "/accounts/{id}", "status": 502.0, "attempts": 1.0}, got[1]["err"])
	assert.Equal(t, "<nil>", got[2]["err"])
}
