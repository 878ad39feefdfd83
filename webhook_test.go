package postpress_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
)

const (
	hookJSON  = `{"AccountStatus":{"account_id":"acc_1","account_type":"WHATSAPP","message":"CREDENTIALS","reason":"Disconnected"}}`
	hookInner = `{"account_id":"acc_1","account_type":"WHATSAPP","message":"CREDENTIALS","reason":"Disconnected"}`
)

// hookSame is every way in which the event of hookJSON may come.
var hookSame = map[string]string{
	"json":                    hookJSON,
	"padded":                  " \r\n\t" + hookJSON + "\n\n",
	"byte order mark":         "\uFEFF" + hookJSON,
	"mark and padding":        "\n\uFEFF \uFEFF" + hookJSON + "\uFEFF",
	"further fields":          `{"x":[1,{"y":null}],"AccountStatus":{"z":1e400,"message":"CREDENTIALS","account_type":"WHATSAPP","account_id":"acc_1","reason":"Disconnected"}}`,
	"string of JSON":          hookQuote(hookJSON),
	"string in a string":      hookQuote(hookQuote(hookJSON)),
	"padded string of padded": " " + hookQuote(" \uFEFF"+hookJSON+"\n") + "\n",
	"string inside":           `{"AccountStatus":` + hookQuote(hookInner) + `}`,
	"string twice inside":     `{"AccountStatus":` + hookQuote(hookQuote(hookInner)) + `}`,
	"form, brackets":          "AccountStatus[account_id]=acc_1&AccountStatus[account_type]=WHATSAPP&AccountStatus[message]=CREDENTIALS&AccountStatus[reason]=Disconnected",
	"form, escaped brackets":  "AccountStatus%5Baccount_id%5D=acc_1&AccountStatus%5Baccount_type%5D=WHATSAPP&AccountStatus%5Bmessage%5D=CREDENTIALS&AccountStatus%5Breason%5D=Disconnected",
	"form, dots":              "AccountStatus.account_id=acc_1&AccountStatus.account_type=WHATSAPP&AccountStatus.message=CREDENTIALS&AccountStatus.reason=Disconnected",
	"form, JSON":              "AccountStatus=" + url.QueryEscape(hookInner),
	"form, plain JSON":        "AccountStatus=" + hookInner,
	"form, JSON escaped more": "AccountStatus=" + url.QueryEscape(url.QueryEscape(hookInner)),
	"form, with others":       "x=1&&y&AccountStatus=" + url.QueryEscape(hookInner) + "&z=a;b",
	"form, padded":            "\uFEFF\r\n AccountStatus=" + url.QueryEscape(hookInner) + "\r\n",
	"form in a string":        hookQuote("AccountStatus=" + url.QueryEscape(hookInner)),
	"JSON taken for a form":   url.QueryEscape(hookJSON) + "=",
	"escaped string":          url.QueryEscape(hookQuote(hookJSON)),
}

func hookQuote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestParseWebhookInEveryEncoding(t *testing.T) {
	for name, body := range hookSame {
		t.Run(name, func(t *testing.T) {
			e, err := postpress.ParseWebhook([]byte(body))
			require.NoError(t, err)
			assert.Equal(t, &postpress.WebhookEvent{
				Kind: postpress.WebhookAccountStatus, AccountID: "acc_1", Provider: postpress.ProviderWhatsApp,
				Status: postpress.StatusCredentials, Reason: "Disconnected", Raw: []byte(body),
			}, e)
			again, err := postpress.ParseWebhook(e.Raw)
			require.NoError(t, err)
			assert.Equal(t, e, again, "Raw is the body")
		})
	}
}

func TestParseWebhookKinds(t *testing.T) {
	const (
		status = postpress.WebhookAccountStatus
		hosted = postpress.WebhookHostedAuth
		other  = postpress.WebhookOther
	)
	for body, want := range map[string]postpress.WebhookEvent{
		// Known, whatever is in it.
		`{"AccountStatus":{"account_id":"a","message":"OK"}}`:             {Kind: status, AccountID: "a", Status: "OK"},
		`{"AccountStatus":{"account_id":"a","message":"HIBERNATING"}}`:    {Kind: status, AccountID: "a", Status: "HIBERNATING"},
		`{"AccountStatus":{"account_id":7,"message":["OK"],"reason":{}}}`: {Kind: status, AccountID: "7"},
		`{"AccountStatus":{"account_id":null,"message":"OK"}}`:            {Kind: status, Status: "OK"},
		`{"AccountStatus":{}}`:                   {Kind: status},
		`{"AccountStatus":null}`:                 {Kind: status},
		`{"AccountStatus":"OK"}`:                 {Kind: status},
		`{"AccountStatus":[{"account_id":"a"}]}`: {Kind: status},
		`{"AccountStatus":{"account_id":"a"},"event":"x","account_id":"b"}`: {Kind: status, AccountID: "a"},
		`AccountStatus=`:                         {Kind: status},
		`AccountStatus[account_id]=a`:            {Kind: status, AccountID: "a"},
		`AccountStatus.message=OK&AccountStatus`: {Kind: status, Status: "OK"},

		`{"status":"CREATION_SUCCESS","account_id":"a","name":"user 1"}`: {Kind: hosted, AccountID: "a", Status: "CREATION_SUCCESS", Name: "user 1"},
		`{"status":"RECONNECTED","account_id":"a","name":42}`:            {Kind: hosted, AccountID: "a", Status: "RECONNECTED", Name: "42"},
		`{"status":"NEW_WORD","account_id":"a"}`:                         {Kind: hosted, AccountID: "a", Status: "NEW_WORD"},
		`{"status":"CREATION_FAIL","name":"u","reason":"r"}`:             {Kind: hosted, Status: "CREATION_FAIL", Name: "u", Reason: "r"},
		`status=CREATION_SUCCESS&account_id=a&name=user+1`:               {Kind: hosted, AccountID: "a", Status: "CREATION_SUCCESS", Name: "user 1"},

		// Somebody else's.
		`{"event":"message_received","account_id":"a","message":"OK","status":"OK"}`: {Kind: other, AccountID: "a"},
		`{"event":"message_received","account_id":{}}`:                               {Kind: other},
		`event=mail_sent&account_id=a&status=OK`:                                     {Kind: other, AccountID: "a"},
		`{"account_id":"a","message":"OK"}`:                                          {Kind: other, AccountID: "a"},
		`{"status":"healthy"}`:                                                       {Kind: other},
		`{}`:                                                                         {Kind: other},
		`[]`:                                                                         {Kind: other},
		`[{"AccountStatus":{"account_id":"a"}}]`:                                     {Kind: other},
		`null`:                                                                       {Kind: other},
		`1`:                                                                          {Kind: other},
		`"hello"`:                                                                    {Kind: other},
		`"{"`:                                                                        {Kind: other},
		`x=1`:                                                                        {Kind: other},
		`%7Bkey%7D=1&b=2`:                                                            {Kind: other},
	} {
		t.Run(body, func(t *testing.T) {
			e, err := postpress.ParseWebhook([]byte(body))
			require.NoError(t, err)
			want.Raw = []byte(body)
			assert.Equal(t, &want, e)
		})
	}
}

func TestParseWebhookRefusesBrokenSyntax(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "blank": " \n\uFEFF", "cut": hookJSON[:40], "cut array": `[1,`, "cut string": `"abc`,
		"after the end": hookJSON + "x", "two of them": hookJSON + hookJSON,
		"text": "hello", "page": `<a href="x">`, "binary": "a=\x00b", "not UTF-8": "a=\xff",
		"bad escape": "a=%zz", "bad escape in a name": "%zz=a", "escaped text": "%7Bhello", "bad escaped JSON": "%7B%z",
		"no name": "=a", "too deep": strings.Repeat("[", 20_000), "brace": "{", "quote": `"`, "percent": "%", "and": "&",
		"empty string": `"`, "gzip": "\x1f\x8b\x08=", "UTF-16": "\xff\xfe{\x00}\x00",
	} {
		t.Run(name, func(t *testing.T) {
			e, err := postpress.ParseWebhook([]byte(body))
			assert.Nil(t, e)
			var syntax *postpress.WebhookSyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.Equal(t, len(body), syntax.Size)
			assert.NotEmpty(t, syntax.Problem)
			assert.Less(t, len(err.Error()), 100, "it never quotes the body")
		})
	}
	_, err := postpress.ParseWebhook(nil)
	assert.EqualError(t, err, "postpress: the webhook body (0 bytes) is empty")
	_, err = postpress.ParseWebhook([]byte("{"))
	assert.EqualError(t, err, "postpress: the webhook body (1 bytes) is broken JSON")
	_, err = postpress.ParseWebhook([]byte("hello"))
	assert.EqualError(t, err, "postpress: the webhook body (5 bytes) is neither JSON nor a form")
}

// A string in a string, and so on, costs no more than a few looks.
func TestParseWebhookEndsPeeling(t *testing.T) {
	body := hookJSON
	for range 4 {
		body = hookQuote(body)
	}
	e, err := postpress.ParseWebhook([]byte(body))
	require.NoError(t, err)
	assert.Equal(t, postpress.WebhookAccountStatus, e.Kind)
	e, err = postpress.ParseWebhook([]byte(hookQuote(body)))
	require.NoError(t, err)
	assert.Equal(t, postpress.WebhookOther, e.Kind)
}

func TestParseWebhookWithRenamedFields(t *testing.T) {
	renamed := postpress.WithWebhookData(
		postpress.WebhookField{Name: "id", Key: "account_id"},
		postpress.WebhookField{Name: "network", Key: "AccountStatus.account_type"},
		postpress.WebhookField{Name: "state", Key: "message"},
		postpress.WebhookField{Name: "message", Key: "reason"}, // the documented name of another field
		postpress.WebhookField{Name: "State", Key: "AccountStatus"},
		postpress.WebhookField{Name: "", Key: "x"}, postpress.WebhookField{Name: "y"},
	)
	want := postpress.WebhookEvent{
		Kind: postpress.WebhookAccountStatus, AccountID: "a", Provider: "WHATSAPP", Status: "OK", Reason: "why",
	}
	for _, body := range []string{
		`{"AccountStatus":{"id":"a","network":"WHATSAPP","state":"OK","message":"why"}}`,
		`{"State":{"id":"a","network":"WHATSAPP","state":"OK","message":"why"}}`,
		`{"id":"a","network":"WHATSAPP","state":"OK","message":"why"}`,
		`{"AccountStatus":{"account_id":"a","account_type":"WHATSAPP","state":"OK","reason":"why"}}`,
		`State[id]=a&State[network]=WHATSAPP&State[state]=OK&State[message]=why`,
		`State.id=a&AccountStatus[network]=WHATSAPP&State.state=OK&State.message=why`,
		`id=a&network=WHATSAPP&state=OK&message=why`,
	} {
		e, err := postpress.ParseWebhook([]byte(body), nil, renamed)
		require.NoError(t, err, body)
		want.Raw = []byte(body)
		assert.Equal(t, &want, e, body)
	}
	e, err := postpress.ParseWebhook([]byte(`{"AccountStatus":{"account_id":"a","message":"why"}}`), renamed)
	require.NoError(t, err)
	assert.Empty(t, e.Status, "that is the reason here")
	e, err = postpress.ParseWebhook([]byte(`{"id":"a","state":"DELETED","event":"message_received"}`), renamed)
	require.NoError(t, err)
	assert.Equal(t, postpress.WebhookOther, e.Kind, "the text of a message is no status")
	e, err = postpress.ParseWebhook([]byte(`{"status":"RECONNECTED","id":"a","name":"u"}`), renamed)
	require.NoError(t, err)
	assert.Equal(t, postpress.WebhookHostedAuth, e.Kind)
}

func TestParseWebhookDoesNotKeepTheBody(t *testing.T) {
	body := []byte(hookJSON)
	e, err := postpress.ParseWebhook(body)
	require.NoError(t, err)
	clear(body)
	assert.JSONEq(t, hookJSON, string(e.Raw))
}

// What Status tells of the words that only webhooks use.
func TestWebhookStatuses(t *testing.T) {
	for status, want := range map[postpress.Status][3]bool{ // connected, needs reconnect, terminal
		"OK": {true, false, true}, "CONNECTING": {}, "ERROR": {false, true, true}, "STOPPED": {false, true, true},
		"CREDENTIALS": {false, true, true}, "PERMISSIONS": {false, true, true}, "DELETED": {false, false, true},
		"CREATION_SUCCESS": {true, false, true}, "CREATION_FAIL": {false, false, true},
		"RECONNECTED": {true, false, true}, "SYNC_SUCCESS": {true, false, true}, "HIBERNATING": {}, "": {},
	} {
		body := `{"AccountStatus":{"account_id":"a","message":"` + string(status) + `"}}`
		e, err := postpress.ParseWebhook([]byte(body))
		require.NoError(t, err)
		assert.Equal(t, want, [3]bool{e.Status.Connected(), e.Status.NeedsReconnect(), e.Status.Terminal()}, status)
	}
}
