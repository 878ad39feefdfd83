package postpresstest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// refused is a request that must be refused, with {wa} and {li} for the ids of a
// WHATSAPP and of a LINKEDIN account.
type refused struct {
	method, path, body string
	status             int
	kind               string
	header             []string
}

var refusals = []refused{
	{"GET", "/accounts", "", 401, "missing_credentials", []string{"X-API-KEY", ""}},
	{"GET", "/accounts", "", 401, "missing_credentials", []string{"X-API-KEY", "", "Authorization", "Basic cHA6"}},
	{"GET", "/accounts", "", 401, "invalid_credentials", []string{"X-API-KEY", "pp_test_other"}},
	{"GET", "/accounts", "", 401, "invalid_credentials", []string{"X-API-KEY", "", "Authorization", "Bearer other"}},
	{"GET", "/nothing", "", 404, "resource_not_found", nil},
	{"GET", "/", "", 404, "resource_not_found", nil},
	{"GET", "/accounts/", "", 404, "resource_not_found", nil},
	{"GET", "/accounts/acc_none", "", 404, "resource_not_found", nil},
	{"DELETE", "/accounts/acc_none", "", 404, "resource_not_found", nil},
	{"POST", "/accounts/acc_none/restart", "", 404, "resource_not_found", nil},
	{"POST", "/accounts/acc_none", whatsApp, 404, "resource_not_found", nil},
	{"GET", "/accounts/..%2fwebhooks", "", 404, "resource_not_found", nil},
	{"PUT", "/accounts", "{}", 405, "method_not_allowed", nil},
	{"DELETE", "/accounts", "", 405, "method_not_allowed", nil},
	{"POST", "/accounts", `{"provider":`, 400, "malformed_request", nil},
	{"POST", "/accounts", `[]`, 400, "malformed_request", nil},
	{"POST", "/accounts", `null`, 400, "malformed_request", nil},
	{"POST", "/accounts", `{"provider":"WHATSAPP"} x`, 400, "malformed_request", nil},
	{"POST", "/accounts", "provider=WHATSAPP", 400, "invalid_request", []string{"Content-Type", "application/x-www-form-urlencoded"}},
	{"POST", "/accounts", strings.Repeat(" ", 1<<20+1), 400, "content_too_large", nil},
	{"POST", "/accounts", "", 400, "missing_parameters", nil},
	{"POST", "/accounts", `{"provider":7}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts", `{"provider":"FAX"}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts", `{"provider":"WHATSAPP","pairing_phone_number":"+33612345678"}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts", `{"provider":"WHATSAPP","pairing_phone_number":"0612345678"}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts", `{"provider":"WHATSAPP","pairing_phone_number":"336123"}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts", `{"provider":"WHATSAPP","pairing_phone_number":"3361234567890123"}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts", `{"provider":"WHATSAPP","country":"France"}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts", `{"provider":"WHATSAPP","ip":"::1"}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts", `{"provider":"WHATSAPP","proxy":{"protocol":"ftp","host":"h","port":1}}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts", `{"provider":"WHATSAPP","proxy":{"protocol":"http","port":1}}`, 400, "missing_parameters", nil},
	{"POST", "/accounts", `{"provider":"WHATSAPP","proxy":{"protocol":"http","host":"h","port":65536}}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts/{wa}", `{"provider":"LINKEDIN"}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts/{wa}", `{}`, 400, "missing_parameters", nil},
	{"GET", "/accounts?limit=251", "", 400, "limit_too_high", nil},
	{"GET", "/accounts?limit=0", "", 400, "invalid_parameters", nil},
	{"GET", "/accounts?limit=", "", 400, "invalid_parameters", nil},
	{"GET", "/accounts?cursor=nonsense", "", 400, "invalid_parameters", nil},
	{"GET", "/accounts?cursor=d2ViaG9va3M6MQ", "", 400, "invalid_parameters", nil}, // one of webhooks
	{"GET", "/webhooks?cursor=!", "", 400, "invalid_parameters", nil},
	{"PATCH", "/accounts/{wa}", `{}`, 400, "missing_parameters", nil},
	{"PATCH", "/accounts/{wa}", `{"label":""}`, 400, "invalid_label", nil},
	{"PATCH", "/accounts/{wa}", `{"ip":"300.1.1.1"}`, 400, "invalid_parameters", nil},
	{"PATCH", "/accounts/{wa}", `{"label":`, 400, "malformed_request", nil},
	{"GET", "/accounts/{wa}/sync", "", 501, "not_implemented", nil},
	{"POST", "/accounts/checkpoint", `{"provider":"LINKEDIN","code":"1"}`, 400, "missing_parameters", nil},
	{"POST", "/accounts/checkpoint", `{"account_id":"{li}","code":"1"}`, 400, "missing_parameters", nil},
	{"POST", "/accounts/checkpoint", `{"account_id":"{li}","provider":"LINKEDIN"}`, 400, "missing_parameters", nil},
	{"POST", "/accounts/checkpoint", `{"account_id":"{wa}","provider":"WHATSAPP","code":"1"}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts/checkpoint", `{"account_id":"{li}","provider":"TWITTER","code":"1"}`, 400, "invalid_parameters", nil},
	{"POST", "/accounts/checkpoint", `{"account_id":"{li}","provider":"LINKEDIN","code":"1"}`, 400, "invalid_request", nil},
	{"POST", "/accounts/checkpoint", `{"account_id":"acc_none","provider":"LINKEDIN","code":"1"}`, 404, "resource_not_found", nil},
	{"POST", "/accounts/checkpoint", `x`, 400, "malformed_request", nil},
	{"POST", "/accounts/checkpoint/resend", `x`, 400, "malformed_request", nil},
	{"POST", "/accounts/checkpoint/resend", `{"account_id":"{li}","provider":"LINKEDIN"}`, 400, "invalid_request", nil},
	{"POST", "/hosted/accounts/link", `x`, 400, "malformed_request", nil},
	{"POST", "/hosted/accounts/link", `{}`, 400, "missing_parameters", nil},
	{"POST", "/hosted/accounts/link", `{"type":"delete"}`, 400, "invalid_parameters", nil},
	{"POST", "/hosted/accounts/link", `{"type":"create"}`, 400, "missing_parameters", nil},
	{"POST", "/hosted/accounts/link", `{"type":"create","providers":[]}`, 400, "invalid_parameters", nil},
	{"POST", "/hosted/accounts/link", `{"type":"create","providers":7}`, 400, "invalid_parameters", nil},
	{"POST", "/hosted/accounts/link", `{"type":"create","providers":"*","expiresOn":"2001-01-01T00:00:00.000Z"}`, 400, "invalid_parameters", nil},
	{"POST", "/hosted/accounts/link", `{"type":"create","providers":"*","expiresOn":"tomorrow"}`, 400, "invalid_parameters", nil},
	{"POST", "/hosted/accounts/link", `{"type":"create","providers":"*","notify_url":"ftp://x"}`, 400, "invalid_url", nil},
	{"POST", "/hosted/accounts/link", `{"type":"reconnect"}`, 400, "missing_parameters", nil},
	{"POST", "/hosted/accounts/link", `{"type":"reconnect","reconnect_account":"acc_none"}`, 404, "resource_not_found", nil},
	{"POST", "/webhooks", `x`, 400, "malformed_request", nil},
	{"POST", "/webhooks", `{"request_url":"https://x.test"}`, 400, "missing_parameters", nil},
	{"POST", "/webhooks", `{"source":"account_status"}`, 400, "missing_parameters", nil},
	{"POST", "/webhooks", `{"source":"weather","request_url":"https://x.test"}`, 400, "invalid_parameters", nil},
	{"POST", "/webhooks", `{"source":"account_status","request_url":"x.test"}`, 400, "invalid_url", nil},
	{"POST", "/webhooks", `{"source":"account_status","request_url":"https://x.test","format":"xml"}`, 400, "invalid_parameters", nil},
	{"POST", "/webhooks", `{"source":"account_status","request_url":"https://x.test","events":["born"]}`, 400, "invalid_parameters", nil},
	{"POST", "/webhooks", `{"source":"account_status","request_url":"https://x.test","headers":[{"value":"v"}]}`, 400, "invalid_parameters", nil},
	{"POST", "/webhooks", `{"source":"account_status","request_url":"https://x.test","account_ids":["acc_none"]}`, 400, "invalid_parameters", nil},
	{"DELETE", "/webhooks/whk_none", "", 404, "resource_not_found", nil},
}

func TestRefusals(t *testing.T) {
	for _, envelope := range []postpresstest.Envelope{postpresstest.EnvelopeProblem, postpresstest.EnvelopeError} {
		a := newAPI(t, postpresstest.WithEnvelope(envelope), postpresstest.WithAPIKey("pp_test_x"))
		fill := strings.NewReplacer("{wa}", a.srv.AddAccount(postpresstest.Account{}).ID,
			"{li}", a.srv.AddAccount(postpresstest.Account{Provider: postpress.ProviderLinkedIn}).ID)
		for _, c := range refusals {
			t.Run(c.method+" "+c.path+" "+c.body[:min(len(c.body), 80)], func(t *testing.T) {
				a.t = t
				r := a.do(c.method, fill.Replace(c.path), fill.Replace(c.body), c.header...)
				assert.Equal(t, c.status, r.status, r.body)
				if envelope == postpresstest.EnvelopeProblem {
					assert.Equal(t, c.kind, r.kind(t))
					return
				}
				assertErrorEnvelope(t, r)
				code := r.object(t)["error"].(map[string]any)["code"]
				assert.Equal(t, strings.Replace(c.kind, "missing_credentials", "key_missing", 1), code)
			})
		}
	}
}

func TestWrongMethodNamesTheRightOnes(t *testing.T) {
	a := newAPI(t)
	assert.Equal(t, "GET, POST", a.do("PUT", "/accounts", "").header.Get("Allow"))
	assert.Equal(t, "GET, POST, PATCH, DELETE", a.do("PUT", "/accounts/x", "").header.Get("Allow"))
}

func TestKeysAndPrefixes(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(...postpresstest.Option) *api) {
		a := start(postpresstest.WithAPIKey("pp_test_x"))
		for _, prefix := range []string{"", "/v1", "/api/v1"} {
			a.base = a.srv.URL + prefix
			assert.Equal(t, http.StatusOK, a.do("GET", "/accounts?port=13443", "").status)
			bearer := a.do("GET", "/accounts", "", "X-API-KEY", "", "Authorization", "bearer pp_test_x")
			assert.Equal(t, http.StatusOK, bearer.status)
		}
		a.base = a.srv.URL + "/v1"
		assert.Equal(t, http.StatusNotFound, a.do("GET", "", "").status)
		a.base = a.srv.URL + "/v10"
		assert.Equal(t, http.StatusNotFound, a.do("GET", "/accounts", "").status)
	})
}

func TestContentTypeMayBeMissing(t *testing.T) {
	a := newAPI(t)
	assert.Equal(t, http.StatusAccepted, a.do("POST", "/accounts", whatsApp, "Content-Type", "").status)
	assert.Equal(t, http.StatusAccepted, a.do("POST", "/accounts", whatsApp, "Content-Type", "application/json; charset=utf-8").status)
}

func TestRateLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t, postpresstest.WithRateLimit(2, 10*time.Second), postpresstest.WithRateLimit(0, 0))
		for range 2 {
			assert.Equal(t, http.StatusOK, a.do("GET", "/accounts", "").status)
		}
		r := a.do("GET", "/accounts", "")
		assert.Equal(t, http.StatusTooManyRequests, r.status)
		assert.Equal(t, "too_many_requests", r.kind(t))
		assert.Equal(t, "5", r.header.Get("Retry-After"))
		assert.Equal(t, http.StatusOK, a.do("GET", "/accounts", "", "X-API-KEY", "pp_test_y").status, "each key has its own")
		time.Sleep(4500 * time.Millisecond)
		assert.Equal(t, "1", a.do("GET", "/accounts", "").header.Get("Retry-After"), "never 0")
		time.Sleep(500 * time.Millisecond)
		assert.Equal(t, http.StatusOK, a.do("GET", "/accounts", "").status)
		time.Sleep(time.Hour)
		for range 2 {
			assert.Equal(t, http.StatusOK, a.do("GET", "/accounts", "").status)
		}
		assert.Equal(t, http.StatusTooManyRequests, a.do("GET", "/accounts", "").status, "the bucket has a size")
	})
}

func TestRateLimitIsHonouredByTheClient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newAPI(t, postpresstest.WithRateLimit(1, 3*time.Second))
		client := a.srv.Client()
		began := time.Now()
		for range 2 {
			_, err := client.ListAccounts(t.Context(), postpress.ListOptions{})
			require.NoError(t, err)
		}
		assert.GreaterOrEqual(t, time.Since(began), 3*time.Second)
	})
}
