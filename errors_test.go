package postpress_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

var sentinels = map[string]error{
	"ErrUnauthorized": postpress.ErrUnauthorized, "ErrForbidden": postpress.ErrForbidden, "ErrNotFound": postpress.ErrNotFound,
	"ErrRateLimited": postpress.ErrRateLimited, "ErrTimeout": postpress.ErrTimeout, "ErrConflict": postpress.ErrConflict,
	"ErrAuthInProgress": postpress.ErrAuthInProgress, "ErrUnavailable": postpress.ErrUnavailable,
	"ErrUnknownOutcome": postpress.ErrUnknownOutcome, "ErrResponseTooLarge": postpress.ErrResponseTooLarge,
	"ErrIntentExpired": postpress.ErrIntentExpired, "ErrConnectionFailed": postpress.ErrConnectionFailed,
	"ErrAlreadyConnected": postpress.ErrAlreadyConnected, "ErrWrongAccount": postpress.ErrWrongAccount,
	"ErrUnsupportedCheckpoint": postpress.ErrUnsupportedCheckpoint,
}

// assertMatches asserts which sentinels an error matches: these and no others.
func assertMatches(t *testing.T, err error, names ...string) {
	t.Helper()
	var got []string
	for name, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			got = append(got, name)
		}
	}
	assert.ElementsMatch(t, names, got, err)
}

// failWith gives the error of a DELETE, which may have changed something, that is answered so.
func failWith(t *testing.T, status int, body string, header http.Header) *postpress.APIError {
	t.Helper()
	api := newMockAPI(t)
	api.answer("DELETE", "/accounts/"+mockID, replyWith(status, body, header))
	err := api.client.DeleteAccount(t.Context(), mockID)
	var apiErr *postpress.APIError
	require.ErrorAs(t, err, &apiErr)
	assert.Same(t, err, error(apiErr))
	return apiErr
}

// Both envelopes say the same.
func TestErrorFixtures(t *testing.T) {
	for name, tc := range map[string]struct {
		status  int
		kind    string
		matches []string
	}{
		"unauthorized":    {401, "invalid_credentials", []string{"ErrUnauthorized"}},
		"wrong_account":   {401, "wrong_account", []string{"ErrUnauthorized", "ErrWrongAccount"}},
		"forbidden":       {403, "insufficient_permissions", []string{"ErrForbidden"}},
		"not_found":       {404, "resource_not_found", []string{"ErrNotFound"}},
		"timeout":         {408, "request_timeout", []string{"ErrTimeout", "ErrUnknownOutcome"}},
		"conflict":        {409, "conflict", []string{"ErrConflict"}},
		"unprocessable":   {422, "unprocessable_entity", nil},
		"in_progress":     {425, "too_early", []string{"ErrAuthInProgress"}},
		"rate_limited":    {429, "too_many_requests", []string{"ErrRateLimited"}},
		"intent_ended":    {500, "authentication_intent_error", []string{"ErrIntentExpired"}},
		"not_implemented": {501, "not_implemented", nil},
		"bad_gateway":     {502, "proxy_error", []string{"ErrUnavailable", "ErrUnknownOutcome"}},
		"unavailable":     {503, "service_unavailable", []string{"ErrUnavailable", "ErrUnknownOutcome"}},
		"gateway_timeout": {504, "request_timeout", []string{"ErrTimeout", "ErrUnknownOutcome"}},
	} {
		for _, envelope := range []string{"problem", "error"} {
			t.Run(name+" "+envelope, func(t *testing.T) {
				body := fixture(t, "errors/"+name+"."+envelope+".json")
				e := failWith(t, tc.status, body, http.Header{"X-Request-Id": {"from-header"}, "X-Ratelimit-Remaining": {"0"}})
				assert.Equal(t, tc.status, e.StatusCode)
				assert.Equal(t, "errors/"+tc.kind, e.Type)
				assert.NotEmpty(t, e.Detail)
				assert.Equal(t, "DELETE", e.Method)
				assert.Equal(t, "/accounts/{id}", e.PathTemplate)
				assert.Equal(t, 1, e.Attempts)
				assert.Equal(t, "0", e.Header.Get("X-RateLimit-Remaining"))
				assert.Equal(t, body, string(e.Body()))
				if envelope == "problem" {
					assert.NotEmpty(t, e.Title)
					assert.Equal(t, "/accounts", e.Instance)
					assert.Equal(t, "from-header", e.RequestID)
				} else {
					assert.Equal(t, "0e1f3a8a-5c1e-4c89-9d3a-2f4b6a7c8d9e", e.RequestID)
				}
				assertMatches(t, e, tc.matches...)
			})
		}
	}
}

func TestErrorText(t *testing.T) {
	html := fixture(t, "errors/gateway.html")
	for _, tc := range []struct {
		status int
		body   string
		header http.Header
		want   string
	}{
		{404, fixture(t, "errors/not_found.problem.json"), http.Header{"Request-Id": {"0e1f"}},
			"404 Not Found (errors/resource_not_found): Resource not found: No such account. [request 0e1f]"},
		{429, fixture(t, "errors/rate_limited.error.json"), http.Header{"Retry-After": {"7"}},
			"429 Too Many Requests (errors/too_many_requests): Slow down. [retry after 7s] [request 0e1f3a8a-5c1e-4c89-9d3a-2f4b6a7c8d9e]"},
		{502, html, nil, "502 Bad Gateway: 502 Bad Gateway 502 Bad Gateway nginx/1.27.3 [outcome unknown]"},
		{502, "", nil, "502 Bad Gateway [outcome unknown]"},
		{418, "short and stout\r\n\tand a teapot", nil, "418 I'm a teapot: short and stout and a teapot"},
		{599, "null", nil, "599: null [outcome unknown]"},
		{400, `{"error":"bad thing"}`, nil, "400 Bad Request: bad thing"},
		{400, `{"title":"Same","detail":"Same"}`, nil, "400 Bad Request: Same"},
		{400, `{"statusCode":400,"reason":"odd"}`, nil, `400 Bad Request: {"statusCode":400,"reason":"odd"}`},
		{400, `{"type":{"a":1},"title":["x"],"detail":null,"error":[1]}`, nil, `400 Bad Request: {"type":{"a":1},"title":["x"],"detail":null,"error":[1]}`},
		{503, "<style>" + strings.Repeat("p { margin: 0 } ", 1<<10) + "</style><h1>Down</h1>", nil, "503 Service Unavailable: Down [outcome unknown]"},
		{400, "<script>steal()</script >ok<b", nil, "400 Bad Request: ok"},
		{400, "broken \xff \u202e text\u2028", nil, "400 Bad Request: broken \ufffd text"},
		{302, `moved`, http.Header{"Location": {"https://login.example.com/?next=secret"}},
			"302 Found: redirect refused, it would carry the API key away; check the base URL (it points to https://login.example.com)"},
		{301, ``, http.Header{"Location": {"/v2"}},
			"301 Moved Permanently: redirect refused, it would carry the API key away; check the base URL"},
	} {
		assert.Equal(t, "postpress: DELETE /accounts/{id}: "+tc.want, failWith(t, tc.status, tc.body, tc.header).Error())
	}
}

// Whatever the body, the text stays short and on one line.
func TestErrorTextIsBounded(t *testing.T) {
	long := strings.Repeat("näh ", 1<<14)
	for _, body := range []string{
		long, "<p>" + long, `{"title":"` + long + `","detail":"` + long + `","type":"` + long + `","error":{"request_id":"` + long + `"}}`,
		strings.Repeat("<", 1<<14), strings.Repeat("\n", 1<<14) + "x", strings.Repeat("x", 1<<14),
	} {
		e := failWith(t, 500, body, nil)
		assert.Less(t, len(e.Error()), 2500)
		assert.NotContains(t, e.Error(), "\n")
		assert.Equal(t, body, string(e.Body()), "all of it is kept")
	}
}

// The API may repeat what it was sent.
func TestErrorTextKeepsSecrets(t *testing.T) {
	qr := "2@" + strings.Repeat("Ab1,/+=", 32)
	for _, secret := range []string{mockKey, "33612345678", "+33 6 12 34 56 78", "+1 (415) 555-0132", "ABCD-1234", fixtureQR, qr, "https://wa.me/settings/linked_devices#ref,key"} {
		for _, body := range []string{
			`{"status":400,"type":"errors/x ` + secret + `","title":"` + secret + ` is wrong","detail":"No: ` + secret + `."}`,
			`{"error":{"code":"x","message":"(` + secret + `)"}}`,
			`{"phone_number":"` + secret + `","qrcode":"` + secret + `"}`,
			secret, "<p>" + secret + "</p>", strings.Repeat("x ", 55) + secret, strings.Repeat("x ", 245) + secret,
		} {
			e := failWith(t, 400, body, nil)
			for _, text := range []string{e.Error(), e.Title, e.Detail, e.Type} {
				assert.NotContains(t, text, secret, body)
				if !strings.HasPrefix(secret, "https:") {
					assert.NotContains(t, text, secret[:6], "nor a part of it")
				}
			}
		}
	}
	e := failWith(t, 400, `{"title":"Intent 12345678-aaaa-1234-5678-1234567890ab of 2026-01-01T10:00:00Z failed 20 times in 3600 s"}`, nil)
	assert.Contains(t, e.Title, "12345678-aaaa-1234-5678-1234567890ab of 2026-01-01T10:00:00Z failed 20 times in 3600 s", "ids and times stay")
	e = failWith(t, 400, `{"reason":"`+strings.Repeat("a", 30)+`","rest":"`+strings.Repeat("b", 1<<14)+`"}`, nil)
	assert.Equal(t, `{"reason":"`+strings.Repeat("a", 30)+`","rest":`, e.Detail, "cut before a long word")
	e = failWith(t, 400, `{"checkpoint":{"qrcode":"short","pairing_code":"AB12"},"name":"Ada"}`, nil)
	assert.Equal(t, `{"checkpoint":{"qrcode":"[redacted]","pairing_code":"[redacted]"},"name":"[redacted]"}`, e.Detail)
}

// An APIError that did not come from the API, as in a test of yours, works too.
func TestAPIErrorMadeByHand(t *testing.T) {
	e := &postpress.APIError{StatusCode: 403, Type: "errors/account_mismatch", Method: "GET", PathTemplate: "/x"}
	assert.EqualError(t, e, "postpress: GET /x: 403 Forbidden (errors/account_mismatch)")
	assert.Nil(t, e.Body())
	assert.NoError(t, e.Unwrap())
	assertMatches(t, e, "ErrForbidden", "ErrWrongAccount")
}

func TestRequestError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newMockAPI(t, postpress.WithRetryPolicy(postpress.RetryPolicy{MaxAttempts: 2}))
		api.answer("DELETE", "/accounts/a", reply(503, fixture(t, "errors/unavailable.error.json")),
			httpmock.NewErrorResponder(errors.New("connection reset by peer")))
		err := api.client.DeleteAccount(t.Context(), "a")
		var reqErr *postpress.RequestError
		require.ErrorAs(t, err, &reqErr)
		assert.Equal(t, "DELETE", reqErr.Method)
		assert.Equal(t, 2, reqErr.Attempts)
		require.NotNil(t, reqErr.Last)
		assert.Equal(t, 503, reqErr.Last.StatusCode)
		var apiErr *postpress.APIError
		require.ErrorAs(t, err, &apiErr, "the answer before is not lost")
		assert.Same(t, reqErr.Last, apiErr)
		assertMatches(t, err, "ErrUnavailable", "ErrUnknownOutcome")
		assert.Regexp(t, `^postpress: DELETE /accounts/\{id\}: .*connection reset by peer \[2 attempts\] \[outcome unknown\]; `+
			`the answer before: postpress: DELETE .* 503 Service Unavailable `, err.Error())
		assert.NotContains(t, err.Error(), "\n")
	})
}

func TestRequestErrorKinds(t *testing.T) {
	held := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	for name, tc := range map[string]struct {
		answer  httpmock.Responder
		is      error
		matches []string
	}{
		"lost":        {httpmock.NewErrorResponder(errors.New("EOF")), nil, []string{"ErrUnavailable", "ErrUnknownOutcome"}},
		"held":        {held, nil, []string{"ErrTimeout", "ErrUnknownOutcome"}},
		"large":       {reply(200, strings.Repeat(" ", 1025)), nil, []string{"ErrResponseTooLarge", "ErrUnknownOutcome"}},
		"large error": {reply(500, strings.Repeat(" ", 1025)), nil, []string{"ErrResponseTooLarge", "ErrUnknownOutcome"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := newMockAPI(t, postpress.WithMaxResponseBytes(1024))
				api.answer("DELETE", "/accounts/a", tc.answer)
				err := api.client.DeleteAccount(t.Context(), "a")
				assertMatches(t, err, tc.matches...)
				api.answer("GET", "/accounts/a", tc.answer)
				_, err = api.client.GetAccount(t.Context(), "a")
				assertMatches(t, err, tc.matches[:len(tc.matches)-1]...)
			})
		})
	}
}

// The deadline of the caller is told from that of an attempt.
func TestDeadlineOfTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newMockAPI(t)
		api.answer("GET", "/accounts/a", func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := api.client.GetAccount(ctx, "a")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assertMatches(t, err)
	})
}

// A server may echo the key, also where nobody looks for it.
func TestErrorHidesAnEchoedKey(t *testing.T) {
	for name, header := range map[string]http.Header{"header": {"X-Request-Id": {mockKey}}, "body": {}} {
		e := failWith(t, 401, `{"status":401,"type":"x","title":"t","instance":"/a?key=`+mockKey+`","error":{"request_id":"`+mockKey+`"}}`, header)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", e, e, e, e.Instance), mockKey, name)
	}
	assert.Equal(t, "33612345678", failWith(t, 401, `{}`, http.Header{"X-Request-Id": {"33612345678"}}).RequestID, "an id is kept whole")
}

func TestErrorFixturesAreJSON(t *testing.T) {
	for name, body := range fixtures(t, "errors") {
		if name != "gateway" {
			assert.True(t, json.Valid([]byte(body)), name)
		}
	}
}
