package postpresstest_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/postpresstest"
)

// inbox is a receiver of webhooks that remembers them.
type inbox struct {
	answer http.HandlerFunc // nil is 200

	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	times  []time.Time
	errs   []error
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	in.mu.Lock()
	in.bodies = append(in.bodies, string(body))
	in.heads = append(in.heads, r.Header)
	in.times = append(in.times, time.Now())
	in.errs = append(in.errs, err)
	in.mu.Unlock()
	if in.answer != nil {
		in.answer(w, r)
	}
}

func (in *inbox) seen() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]string(nil), in.bodies...)
}

// after tells how long after start each delivery arrived.
func (in *inbox) after(start time.Time) (out []time.Duration) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, t := range in.times {
		out = append(out, t.Sub(start))
	}
	return out
}

func answering(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// hook creates a webhook for account_status; fields are those beside source and URL.
func (a *api) hook(url, fields string) string {
	a.t.Helper()
	r := a.do("POST", "/webhooks", `{"source":"account_status","request_url":"`+url+`"`+fields+`}`)
	require.Equal(a.t, http.StatusCreated, r.status, r.body)
	return r.object(a.t)["webhook_id"].(string)
}

const hookURL = "https://app.test/hook"

func outcomes(all []postpresstest.Delivery) (out []string) {
	for _, d := range all {
		out = append(out, string(d.Message)+" "+string(d.Outcome))
	}
	return out
}

func TestEveryChangeIsDelivered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		in := &inbox{}
		a := newAPI(t, postpresstest.WithWebhookReceiver(in))
		hook := a.hook(hookURL, "")
		id, _ := a.connect(whatsApp)
		require.NoError(t, a.srv.Scan(id))
		require.NoError(t, a.srv.SetStatus(id, "CREDENTIALS"))
		a.do("DELETE", "/accounts/"+id, "")
		synctest.Wait()
		body := func(message, more string) string {
			return `{"AccountStatus":{"account_id":"` + id + `","account_type":"WHATSAPP","message":"` + message + `"` + more + `}}`
		}
		assert.Equal(t, []string{
			body("CONNECTING", ""), body("OK", ""), body("CREATION_SUCCESS", ""),
			body("CREDENTIALS", `,"reason":"Disconnected"`), body("DELETED", ""),
		}, in.seen())
		log := a.srv.Deliveries()
		require.Len(t, log, 5)
		assert.Equal(t, postpresstest.Delivery{
			Time: time.Now(), Event: 2, WebhookID: hook, URL: hookURL, AccountID: id, Message: "OK", Attempt: 1,
			Header: http.Header{}, Body: []byte(body("OK", "")), Status: 200, Outcome: postpresstest.DeliveryDelivered,
		}, log[1])
		assert.Equal(t, http.Header{"Content-Length": in.heads[0]["Content-Length"]}, in.heads[0], "no header that is not listed")
		log[1].Body[0] = 'x'
		assert.Equal(t, body("OK", ""), string(a.srv.Deliveries()[1].Body), "copies")
	})
}

func TestWhichChangesAreDelivered(t *testing.T) {
	for name, c := range map[string]struct {
		fields string
		want   []string
	}{
		"all":              {``, []string{"a OK", "a NEW_ONE", "b OK", "b ERROR"}},
		"empty lists":      {`,"events":[],"account_ids":[]`, []string{"a OK", "a NEW_ONE", "b OK", "b ERROR"}},
		"events":           {`,"events":["ok","stopped"]`, []string{"a OK", "b OK"}},
		"accounts":         {`,"account_ids":["acc_b"]`, []string{"b OK", "b ERROR"}},
		"both":             {`,"account_ids":["acc_b"],"events":["error"]`, []string{"b ERROR"}},
		"not enabled":      {`,"enabled":false`, nil},
		"enabled":          {`,"enabled":true,"events":["error"]`, []string{"b ERROR"}},
		"of another kind":  {`,"source":"messaging"`, nil}, // the later field counts
		"of another event": {`,"events":["creation_fail"]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a := newAPI(t, postpresstest.WithWebhookReceiver(&inbox{}))
				for _, id := range []string{"acc_a", "acc_b"} {
					a.srv.AddAccount(postpresstest.Account{ID: id, Status: "STOPPED"})
				}
				a.hook(hookURL, c.fields)
				for _, change := range [][2]string{{"a", "OK"}, {"a", "NEW_ONE"}, {"b", "OK"}, {"b", "ERROR"}} {
					require.NoError(t, a.srv.SetStatus("acc_"+change[0], toStatus(change[1])))
				}
				require.NoError(t, a.srv.WaitDeliveries(t.Context()))
				var got []string
				for _, d := range a.srv.Deliveries() {
					got = append(got, strings.TrimPrefix(d.AccountID, "acc_")+" "+string(d.Message))
				}
				assert.Equal(t, c.want, got)
			})
		})
	}
}

func TestHeaders(t *testing.T) {
	bubble(t, func(t *testing.T) {
		in := &inbox{}
		a := newAPI(t, postpresstest.WithWebhookReceiver(in))
		a.hook("https://user:password@app.test/hook", `,"headers":[{"key":"Postpress-Auth","value":"a secret of mine"},
			{"key":"content-type","value":"application/json"},{"key":"User-Agent","value":"me"},{"key":"X-Two","value":"1"},{"key":"X-Two","value":"2"}]`)
		id := a.srv.AddAccount(postpresstest.Account{}).ID
		require.NoError(t, a.srv.SetStatus(id, "STOPPED"))
		synctest.Wait()
		got := in.heads[0].Clone()
		got.Del("Content-Length")
		assert.Equal(t, http.Header{
			"Postpress-Auth": {"a secret of mine"}, "Content-Type": {"application/json"}, "User-Agent": {"me"}, "X-Two": {"1", "2"},
		}, got)
		d := a.srv.Deliveries()[0]
		assert.Equal(t, http.Header{
			"Postpress-Auth": {"[redacted]"}, "Content-Type": {"application/json"}, "User-Agent": {"[redacted]"},
			"X-Two": {"[redacted]", "[redacted]"},
		}, d.Header)
		assert.NotContains(t, d.URL, "password")
	})
}

func TestBodies(t *testing.T) {
	const data = `,"data":[{"name":"id","key":"account_id"},{"name":"what","key":"AccountStatus.message"},{"name":"","key":"account_type"}]`
	for name, c := range map[string]struct {
		fields string
		form   postpresstest.WebhookForm
		want   string
	}{
		"json": {`,"format":"json"`, 0, `{"AccountStatus":{"account_id":"a&\"b","account_type":"WHATSAPP","message":"STOPPED"}}`},
		"renamed": {data, 0,
			`{"AccountStatus":{"id":"a&\"b","account_type":"WHATSAPP","what":"STOPPED"}}`},
		"renamed outside": {`,"data":[{"name":"Status","key":"AccountStatus"}]`, 0,
			`{"Status":{"account_id":"a&\"b","account_type":"WHATSAPP","message":"STOPPED"}}`},
		"brackets": {`,"format":"form"`, postpresstest.FormBrackets,
			`AccountStatus%5Baccount_id%5D=a%26%22b&AccountStatus%5Baccount_type%5D=WHATSAPP&AccountStatus%5Bmessage%5D=STOPPED`},
		"dots": {`,"format":"form"` + data, postpresstest.FormDots,
			`AccountStatus.id=a%26%22b&AccountStatus.account_type=WHATSAPP&AccountStatus.what=STOPPED`},
		"JSON in a form": {`,"format":"form"`, postpresstest.FormJSON,
			`AccountStatus=%7B%22account_id%22%3A%22a%5Cu0026%5C%22b%22%2C%22account_type%22%3A%22WHATSAPP%22%2C%22message%22%3A%22STOPPED%22%7D`},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				in := &inbox{}
				a := newAPI(t, postpresstest.WithWebhookReceiver(in), postpresstest.WithWebhookForm(c.form))
				a.hook(hookURL, c.fields)
				a.srv.AddAccount(postpresstest.Account{ID: `a&"b`})
				require.NoError(t, a.srv.SetStatus(`a&"b`, "STOPPED"))
				synctest.Wait()
				require.Len(t, in.seen(), 1)
				assert.Equal(t, c.want, strings.ReplaceAll(in.seen()[0], `\u0026`, "&"))
				assert.Empty(t, in.heads[0].Get("Content-Type"))
			})
		})
	}
}

func TestHostedLinkIsCompleted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		in := &inbox{}
		a := newAPI(t, postpresstest.WithWebhookReceiver(in))
		link := func(fields string) string {
			r := a.do("POST", "/hosted/accounts/link", `{"api_url":"https://api.test",`+fields+`}`)
			require.Equal(t, http.StatusCreated, r.status, r.body)
			return r.object(t)["url"].(string)
		}
		const notify = `"notify_url":"https://app.test/linked","name":"user-1"`
		id, err := a.srv.CompleteHostedLink(link(`"type":"create","providers":["*:MAILING","GOOGLE"],` + notify))
		require.NoError(t, err)
		synctest.Wait()
		got, _ := a.srv.Account(id)
		assert.Equal(t, "GOOGLE OK", string(got.Provider)+" "+string(got.Status))
		assert.Equal(t, []string{`{"status":"CREATION_SUCCESS","account_id":"` + id + `","name":"user-1"}`}, in.seen())
		d := a.srv.Deliveries()[0]
		assert.Equal(t, "|https://app.test/linked|"+id+"|CREATION_SUCCESS", d.WebhookID+"|"+d.URL+"|"+d.AccountID+"|"+string(d.Message))

		// An account that is being linked otherwise at this moment.
		require.NoError(t, a.srv.SetStatus(id, "CREDENTIALS"))
		again := link(`"type":"reconnect","reconnect_account":"` + id + `",` + notify)
		same, err := a.srv.CompleteHostedLink(again)
		require.NoError(t, err)
		assert.Equal(t, id, same)
		old := a.srv.AddAccount(postpresstest.Account{Status: "CREDENTIALS"}).ID
		a.do("POST", "/accounts/"+old, whatsApp)
		_, err = a.srv.CompleteHostedLink(link(`"type":"reconnect","reconnect_account":"` + old + `"`))
		require.NoError(t, err)
		got, _ = a.srv.Account(old)
		assert.Equal(t, "OK", string(got.Status))
		assert.False(t, got.Pending)
		synctest.Wait()
		assert.Len(t, in.seen(), 2, "only where a notify_url was given")
		assert.Contains(t, in.seen()[1], `"RECONNECTED"`)

		one, err := a.srv.CompleteHostedLink(link(`"type":"create","providers":"*","expiresOn":"2000-01-01T00:01:00.000Z"`))
		require.NoError(t, err)
		got, _ = a.srv.Account(one)
		assert.Equal(t, "WHATSAPP", string(got.Provider))
		late := link(`"type":"create","providers":"LINKEDIN","expiresOn":"2000-01-01T00:01:00.000Z"`)
		time.Sleep(time.Minute)
		for _, gone := range []string{late, "https://hosted.postpress.test/NONE"} {
			_, err = a.srv.CompleteHostedLink(gone)
			require.ErrorIs(t, err, postpresstest.ErrInvalid)
		}
		a.do("DELETE", "/accounts/"+id, "")
		_, err = a.srv.CompleteHostedLink(again)
		require.ErrorIs(t, err, postpresstest.ErrUnknownAccount)
	})
}
