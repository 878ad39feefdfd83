package postpress_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
)

// Whatever comes: no panic, a typed error or an event, and the same for what is padded.
func FuzzParseWebhook(f *testing.F) {
	for _, body := range hookSame {
		f.Add([]byte(body))
	}
	for _, body := range []string{
		"", "null", "[]", `{"status":"CREATION_SUCCESS","account_id":"a","name":"u"}`, "status=RECONNECTED&account_id=a",
		`{"event":"message_received","account_id":"a"}`, `{"AccountStatus":[]}`, "a=%zz", `"\ud800"`, "%7B", "AccountStatus[=]&AccountStatus[]=1",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := postpress.ParseWebhook(body)
		padded, paddedErr := postpress.ParseWebhook(slices.Concat([]byte("\uFEFF \r\n"), body, []byte("\t\uFEFF\n")))
		require.Equal(t, err == nil, paddedErr == nil)
		if err != nil {
			var syntax *postpress.WebhookSyntaxError
			require.ErrorAs(t, err, &syntax)
			require.Equal(t, len(body), syntax.Size)
			require.Nil(t, e)
			return
		}
		require.True(t, bytes.Equal(body, e.Raw))
		again, err := postpress.ParseWebhook(e.Raw)
		require.NoError(t, err)
		require.Equal(t, e, again)
		padded.Raw = e.Raw
		require.Equal(t, e, padded)
	})
}

// One event, in every encoding, with and without other names.
func FuzzWebhookEncodings(f *testing.F) {
	f.Add("acc_1", "WHATSAPP", "OK", "")
	f.Add("acc_1", "WHATSAPP", "CREDENTIALS", "Disconnected")
	f.Add("é&=+%;[x].y", "\n\t ", `{"a":1}`, `"quoted"`)
	f.Add("\xff\x00", "\uFEFF", "null", "%7B")
	f.Add("", "", "", "")
	renamed := postpress.WithWebhookData(
		postpress.WebhookField{Name: "id", Key: "account_id"}, postpress.WebhookField{Name: "state", Key: "message"})
	f.Fuzz(func(t *testing.T, id, network, status, reason string) {
		want := postpress.WebhookEvent{
			Kind: postpress.WebhookAccountStatus, AccountID: wireText(id), Provider: postpress.Provider(wireText(network)),
			Status: postpress.Status(wireText(status)), Reason: wireText(reason),
		}
		for _, idName := range []string{"account_id", "id"} {
			for _, statusName := range []string{"message", "state"} {
				object := map[string]string{idName: id, "account_type": network, statusName: status, "reason": reason}
				for _, body := range hookEncodings(t, object) {
					e, err := postpress.ParseWebhook([]byte(body), renamed)
					require.NoError(t, err, "%q", body)
					e.Raw = nil
					require.Equal(t, &want, e, "%q", body)
				}
			}
		}
	})
}

// wireText is a text as JSON carries it.
func wireText(s string) string {
	var out string
	b, _ := json.Marshal(s)
	_ = json.Unmarshal(b, &out)
	return out
}

func hookEncodings(t *testing.T, object map[string]string) []string {
	t.Helper()
	inner, err := json.Marshal(object)
	require.NoError(t, err)
	whole, err := json.Marshal(map[string]any{"AccountStatus": object})
	require.NoError(t, err)
	bodies := []string{
		string(whole), hookQuote(string(whole)), `{"AccountStatus":` + hookQuote(string(inner)) + `}`,
		url.Values{"AccountStatus": {string(inner)}}.Encode(),
	}
	for _, spelling := range [][2]string{{"[", "]"}, {".", ""}} {
		form := url.Values{}
		for name, value := range object {
			form.Set("AccountStatus"+spelling[0]+name+spelling[1], value)
		}
		bodies = append(bodies, form.Encode())
	}
	return bodies
}

// Whatever comes: an answer of the closed set, and a callback or a hint only
// for a POST with exactly the secret.
func FuzzWebhookHandler(f *testing.F) {
	f.Add("POST", hookSecret, "", []byte(hookJSON), int64(-1))
	f.Add("POST", hookSecret, hookSecret, []byte(hookJSON), int64(10))
	f.Add("POST", "wrong", "", []byte(hookJSON), int64(1<<40))
	f.Add("GET", hookSecret, "", []byte(""), int64(0))
	f.Add("POST", hookSecret, "", []byte("{"), int64(1))
	f.Add("POST", hookSecret, "", bytes.Repeat([]byte(" "), 600), int64(-1))
	f.Add("POST", hookSecret, "", []byte(hookStatus("../x", "OK")), int64(-1))
	f.Fuzz(func(t *testing.T, method, secret, second string, body []byte, length int64) {
		told := new(hookTold)
		h, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
			Secrets: []string{hookSecret}, Bus: told, MaxBodyBytes: 512,
			OnEvent: func(_ context.Context, e *postpress.WebhookEvent) error {
				if e.AccountID == "panic" {
					panic(e)
				}
				return told.onEvent(t.Context(), e)
			},
		})
		require.NoError(t, err)
		r := &http.Request{Method: method, Header: http.Header{"Postpress-Auth": {secret}}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: length}
		if second != "" {
			r.Header.Add("Postpress-Auth", second)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Contains(t, []int{200, 400, 401, 405, 413, 500}, w.Code)
		verified := method == http.MethodPost && secret == hookSecret && second == ""
		if !verified {
			told.nobody(t)
			assert.Contains(t, []int{401, 405}, w.Code)
			return
		}
		assert.NotContains(t, []int{401, 405}, w.Code)
		e, err := postpress.ParseWebhook(body)
		if w.Code == http.StatusOK {
			require.NoError(t, err)
			require.Equal(t, []*postpress.WebhookEvent{e}, told.events)
		} else {
			require.Empty(t, told.events)
		}
		for _, id := range told.published {
			require.Equal(t, e.AccountID, id)
			require.NotContains(t, id, "/")
		}
	})
}
