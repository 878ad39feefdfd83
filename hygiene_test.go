package postpress_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

const (
	hiddenQR       = "2@hiddenRefHidden,keyHidden==,advHidden==,1"
	hiddenCode     = "WXYZ-7788"
	hiddenPassword = "hunter2hunter2"
	hiddenPhone    = "33698765432"
)

var hidden = []string{mockKey, hiddenQR, hiddenCode, strings.ReplaceAll(hiddenCode, "-", ""), hiddenPassword, hiddenPhone}

// filled has a value of every exported struct type, full of secrets. A type
// that is missing here makes TestEveryTypeIsInTheHygieneTest fail.
func filled(t *testing.T) map[string]any {
	t.Helper()
	raw := json.RawMessage(fmt.Sprintf(`{"id":"acc_1","object":%q,"a":%q,"b":%q,"c":%q}`, mockKey, hiddenQR, hiddenCode, hiddenPhone))
	cp := postpress.Checkpoint{AccountID: "acc_1", Type: postpress.CheckpointQRCode, QRCode: hiddenQR, PairingCode: hiddenCode, Data: hiddenPassword, Raw: raw}
	params := postpress.ConnectionParams{IM: postpress.IMParams{PhoneNumber: hiddenPhone}}
	account := postpress.Account{ID: "acc_1", Name: hiddenPhone, ConnectionParams: params, Sources: []postpress.Source{{Status: "OK"}}, Raw: raw}
	proxy := postpress.Proxy{Protocol: "http", Host: "h", Port: 1, Username: hiddenPhone, Password: hiddenPassword}

	api := newMockAPI(t)
	body := fmt.Sprintf(`{"status":401,"title":"%s or %s","detail":"%s (%s)","phone":"%s"}`, mockKey, hiddenQR, hiddenCode, hiddenPhone, hiddenPassword)
	api.answer("GET", "/accounts/acc_1", reply(401, body))
	_, err := api.client.GetAccount(t.Context(), "acc_1")
	var apiErr *postpress.APIError
	require.ErrorAs(t, err, &apiErr)
	_, err = postpress.NormalizePhoneNumber("0" + hiddenPhone)
	var phoneErr *postpress.PhoneNumberError
	require.ErrorAs(t, err, &phoneErr)
	_, err = postpress.New(mockKey + "\n")
	var argErr *postpress.ArgumentError
	require.ErrorAs(t, err, &argErr)
	start := &postpress.StartError{AccountID: "acc_1", Checkpoint: &cp, Err: postpress.ErrUnsupportedCheckpoint}

	all := map[string]any{
		"Client":                *api.client,
		"Account":               account,
		"AccountPage":           postpress.AccountPage{Accounts: []*postpress.Account{&account}, NextCursor: "c", Raw: raw},
		"Paging":                postpress.Paging{},
		"ConnectionParams":      params,
		"IMParams":              params.IM,
		"Signature":             postpress.Signature{},
		"Source":                postpress.Source{},
		"ConnectRequest":        postpress.ConnectRequest{PairingPhoneNumber: hiddenPhone, Proxy: &proxy, Extra: map[string]any{"password": hiddenPassword}},
		"ConnectResult":         postpress.ConnectResult{AccountID: "acc_1", Checkpoint: &cp, Raw: raw},
		"Proxy":                 proxy,
		"UpdateAccountRequest":  postpress.UpdateAccountRequest{Proxy: &proxy},
		"HostedAuthLinkRequest": postpress.HostedAuthLinkRequest{ExpiresOn: time.Now()},
		"ListOptions":           postpress.ListOptions{},
		"RetryPolicy":           postpress.RetryPolicy{},
		"Checkpoint":            cp,
		"ContractOption":        postpress.ContractOption{},
		"APIError":              *apiErr,
		"RequestError":          postpress.RequestError{Method: "GET", Err: errors.New("lost"), Last: apiErr},
		"ArgumentError":         *argErr,
		"PhoneNumberError":      *phoneErr,
		"StartError":            *start,
		"WaitError":             postpress.WaitError{AccountID: "acc_1", Err: fmt.Errorf("%w: %w", start, apiErr)},
		"WaitProgress":          postpress.WaitProgress{AccountID: "acc_1", Err: apiErr},
		"LinkRequest":           postpress.LinkRequest{PhoneNumber: hiddenPhone, ExpectPhoneNumber: hiddenPhone, Proxy: &proxy},
		"LinkStep":              postpress.LinkStep{Checkpoint: &cp, Account: &account},
		"LinkRecord":            postpress.LinkRecord{AccountID: "acc_1"},
		"LinkError":             postpress.LinkError{AccountID: "acc_1", LeftOver: []string{"acc_1"}, Err: fmt.Errorf("%w: %w", start, apiErr)},
		"Link":                  *filledLink(t),
		"UnlinkedAccount":       postpress.UnlinkedAccount{AccountID: "acc_1", Err: fmt.Errorf("%w: %w", start, apiErr)},
		"Secret":                postpress.Secret(hiddenQR), // no struct, but the base of them
	}
	maps.Copy(all, filledWebhooks(t))
	return all
}

// filledLink is a live attempt whose request is full of secrets.
func filledLink(t *testing.T) *postpress.Link {
	t.Helper()
	api := newMockAPI(t)
	api.answer("POST", "/accounts", reply(202, fmt.Sprintf(`{"object":"Checkpoint","account_id":"acc_1","checkpoint":{"type":"PAIRING_CODE","code":%q}}`, hiddenCode)))
	api.answer("GET", "/accounts/acc_1", reply(404, `{}`))
	api.answer("DELETE", "/accounts/acc_1", reply(404, `{}`))
	link, err := api.client.LinkWhatsApp(t.Context(), postpress.LinkRequest{
		PhoneNumber: hiddenPhone, ExpectPhoneNumber: hiddenPhone,
		Proxy: &postpress.Proxy{Protocol: "http", Host: "h", Port: 1, Username: hiddenPhone, Password: hiddenPassword},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = link.Cancel(context.Background()) })
	return link
}

func TestEveryTypeIsInTheHygieneTest(t *testing.T) {
	table := filled(t)
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	found := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() {
				if _, isStruct := spec.Type.(*ast.StructType); isStruct {
					found++
					assert.Contains(t, table, spec.Name.Name, "%s declares a struct type that is not in filled", f.Name())
				}
			}
			return true
		})
	}
	assert.GreaterOrEqual(t, found, 20)
}

func TestNothingPrintsSecrets(t *testing.T) {
	for name, v := range filled(t) {
		t.Run(name, func(t *testing.T) {
			pointer := reflect.New(reflect.TypeOf(v))
			pointer.Elem().Set(reflect.ValueOf(v))
			p := pointer.Interface()
			nested := map[string]any{
				"slice": []any{v, p}, "map": map[string]any{"v": v, "p": p}, "struct": struct{ V, P any }{v, p},
				"typed slice": reflect.Append(reflect.MakeSlice(reflect.SliceOf(reflect.TypeOf(v)), 0, 1), reflect.ValueOf(v)).Interface(),
			}
			if err, ok := p.(error); ok {
				nested["wrapped"] = fmt.Errorf("doing this: %w", err)
				nested["joined"] = errors.Join(err, err)
			}
			for _, form := range append([]any{v, p}, slices.Collect(maps.Values(nested))...) {
				for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%X", "%d", "%t"} {
					assertHides(t, fmt.Sprintf(verb, form), verb)
				}
				assertHides(t, logged(form, func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) }), "slog text")
			}
			for _, form := range []any{v, p, nested["wrapped"]} { // in the others, encoding/json has the word: see Secret
				assertHides(t, logged(form, func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) }), "slog JSON")
			}
		})
	}
}

func logged(v any, handler func(*bytes.Buffer) slog.Handler) string {
	var b bytes.Buffer
	slog.New(handler(&b)).With("with", v).Info("message", "value", v, slog.Group("group", "value", v))
	return b.String()
}

// assertHides looks for the secrets as they are, in hexadecimal, and as lists of bytes.
func assertHides(t *testing.T, printed, how string) {
	t.Helper()
	lower := strings.ToLower(printed)
	for _, secret := range hidden {
		assert.NotContains(t, printed, secret, how)
		assert.NotContains(t, lower, hex.EncodeToString([]byte(secret)), how)
		assert.NotContains(t, printed, strings.Trim(fmt.Sprint([]byte(secret)), "[]"), how)
	}
}

// What is printed still tells which value it is.
func TestWhatIsPrinted(t *testing.T) {
	values := filled(t)
	for name, want := range map[string]string{
		"Account":        "Account{ID:acc_1 Provider: Status:OK}",
		"AccountPage":    "AccountPage{Accounts:1 More:true}",
		"Checkpoint":     "Checkpoint{AccountID:acc_1 Type:QRCODE}",
		"ConnectResult":  "ConnectResult{AccountID:acc_1 Checkpoint:QRCODE}",
		"ConnectRequest": "ConnectRequest{Provider:}",
		"Secret":         "[redacted]",
	} {
		assert.Equal(t, want, fmt.Sprintf("%+v", values[name]))
	}
	assert.Equal(t, "<nil> <nil> <nil>", fmt.Sprintf("%v %v %+v", (*postpress.Client)(nil), (*postpress.APIError)(nil), (*postpress.RequestError)(nil)))
	assert.Equal(t, "Checkpoint{AccountID:a b Type:}", fmt.Sprint(postpress.Checkpoint{AccountID: "a\n b"}), "on one line")
	data, err := json.Marshal(values["IMParams"])
	require.NoError(t, err)
	assert.JSONEq(t, `{"phone_number":"`+hiddenPhone+`"}`, string(data), "encoding/json gives the text")
	assert.Equal(t, hiddenQR, string(values["Secret"].(postpress.Secret)))
}

// Cookies and the like of an answer are for those who ask for them only.
func TestErrorTextHasNoHeaders(t *testing.T) {
	e := failWith(t, 500, ``, http.Header{"Set-Cookie": {"session=hunter2"}})
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", e, e, e), "hunter2")
	assert.Equal(t, "session=hunter2", e.Header.Get("Set-Cookie"))
}
