package postpress

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// seed adds the fixtures of a directory.
func seed(f *testing.F, dir string) {
	f.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", dir, "*"))
	if err != nil || len(names) == 0 {
		f.Fatalf("no fixtures in %s: %v", dir, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{`null`, `[]`, `""`, `0`, `{}`, `{`, ``, "\xff", `{"id":null,"account_id":{"a":1}}`} {
		f.Add([]byte(s))
	}
}

// An object with an id is an account with that id, whatever else is in it.
func FuzzDecodeAccount(f *testing.F) {
	seed(f, "accounts")
	f.Fuzz(func(t *testing.T, data []byte) {
		var a Account
		err := a.decode(data)
		var object map[string]json.RawMessage
		if json.Unmarshal(data, &object) != nil || object == nil {
			if err == nil {
				t.Fatalf("%q is no object, but an account", data)
			}
			return
		}
		if err != nil || string(a.Raw) != string(data) {
			t.Fatalf("%q: %v", data, err)
		}
		if id := text(object["id"]); exactKeys(object, "id") && id != "" && a.ID != id {
			t.Fatalf("%q: id %q, want %q", data, a.ID, id)
		}
		a.Status()
		if a.CreatedAt.Location() != time.UTC {
			t.Fatalf("%q: %v is not in UTC", data, a.CreatedAt)
		}
		written, err := json.Marshal(&a)
		if err != nil && a.CreatedAt.Year() < 10000 && a.CreatedAt.Year() >= 0 {
			t.Fatalf("%q cannot be written: %v (%s)", data, err, written)
		}
	})
}

// exactKeys tells whether encoding/json can take no other key for this one: it ignores case.
func exactKeys(object map[string]json.RawMessage, key string) bool {
	n := 0
	for k := range object {
		if strings.EqualFold(k, key) {
			n++
		}
	}
	return n == 1
}

// A start that is read is about an account, and at most one challenge comes with it.
func FuzzDecodeConnect(f *testing.F) {
	seed(f, "starts")
	f.Fuzz(func(t *testing.T, data []byte) {
		var r ConnectResult
		if err := r.decode(data); err != nil {
			if json.Valid(data) && !errors.Is(err, errNoAccountID) && !errors.Is(err, errNotObject) {
				t.Fatalf("%q: %v", data, err)
			}
			return
		}
		if r.AccountID == "" || string(r.Raw) != string(data) {
			t.Fatalf("%q: %q", data, r.AccountID)
		}
		if cp := r.Checkpoint; cp != nil && (cp.AccountID != r.AccountID || cp.QRCode != "" && cp.PairingCode != "") {
			t.Fatalf("%q: %q %q %q", data, cp.AccountID, string(cp.QRCode), string(cp.PairingCode))
		}
	})
}

// What cannot be read is raw; what can be expires after it was issued.
func FuzzParseCheckpoint(f *testing.F) {
	seed(f, "starts")
	for _, s := range []string{`"ABCD-1234"`, `"2@x"`, `{"type":"QRCODE","qrcode":"2@x"}`, `{"type":"PAIRING_CODE","code":"AB"}`, `{"type":"2FA","source":5}`} {
		f.Add([]byte(s))
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		cp := parseCheckpoint(data, now)
		if string(cp.Raw) != string(data) || !cp.IssuedAt.Equal(now) {
			t.Fatalf("%q: %q %v", data, cp.Raw, cp.IssuedAt)
		}
		challenge := cp.QRCode != "" || cp.PairingCode != ""
		if challenge != cp.ExpiresAt.After(now) || challenge && cp.Type == "" {
			t.Fatalf("%q: %q until %v", data, cp.Type, cp.ExpiresAt)
		}
		if c := string(cp.PairingCode); isPairingCode(c) && (len(c) != 9 || c[4] != '-' || c != displayCode(c)) {
			t.Fatalf("%q: %q is not XXXX-XXXX", data, c)
		}
	})
}

// What comes out can be dialled, and goes in again.
func FuzzNormalizePhoneNumber(f *testing.F) {
	for _, s := range []string{"+33 6 12 34 56 78", "+33 (0)6", "00331", "(+33) 612345678", "\u202a+33612345678", "+٣٣", "-", "()", "1234567", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := NormalizePhoneNumber(s)
		if err != nil {
			if n != "" || len(s) > 6 && strings.Contains(err.Error(), s) {
				t.Fatalf("%q: %q, %v", s, n, err)
			}
			return
		}
		if len(n) < 7 || len(n) > 15 || n[0] == '0' || strings.Trim(n, "0123456789") != "" {
			t.Fatalf("%q gives %q", s, n)
		}
		for _, form := range []string{n, "+" + n, n[:2] + " (" + strings.TrimLeft(n[2:], "0") + ")"} {
			again, err := NormalizePhoneNumber(form)
			if strings.HasPrefix(n[2:], "0") && form != n && form != "+"+n {
				continue
			}
			if err != nil || again != n {
				t.Fatalf("%q gives %q, which as %q gives %q, %v", s, n, form, again, err)
			}
		}
	})
}

// Whatever path Do accepts, the URL stays below the base.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"/accounts", "/a/../b", "/%2e%2e/x", "/..%2f", "//evil", "/a?x=/../y", "/a%00", "/a;b", "/a\\..", "/é", "/a b", "/%", "?", "/a#b"} {
		f.Add("GET", s)
	}
	base := &url.URL{Scheme: "https", Host: "api.example.com", Path: "/gateway/v1/"}
	f.Fuzz(func(t *testing.T, method, path string) {
		op, query, err := parsePath(method, path)
		if err != nil {
			var bad *ArgumentError
			if !errors.As(err, &bad) {
				t.Fatalf("%q: %v", path, err)
			}
			return
		}
		u, err := url.Parse("https://api.example.com/gateway/v1" + op.path + "?" + query)
		if err != nil || u.Host != base.Host || u.Fragment != "" || u.User != nil {
			t.Fatalf("%q: %v, %v", path, u, err)
		}
		if u.EscapedPath() != "/gateway/v1"+op.path {
			t.Fatalf("%q is sent as %q", path, u.EscapedPath())
		}
		if clean := base.JoinPath(u.Path[len("/gateway/v1"):]).Path; !strings.HasPrefix(clean, "/gateway/v1/") {
			t.Fatalf("%q leaves the base: %q", path, clean)
		}
		if strings.ContainsAny(op.template, "0123456789%@+") {
			t.Fatalf("%q has the template %q", path, op.template)
		}
	})
}

// An id of any kind is one segment below its place, or refused.
func FuzzID(f *testing.F) {
	for _, s := range []string{"acc_1", "..", "a/b", "%2e%2e", "a?b#c", "é;", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		op, err := opRestart.at(id)
		if err != nil {
			return
		}
		inner := strings.TrimSuffix(strings.TrimPrefix(op.path, "/accounts/"), "/restart")
		back, err := url.PathUnescape(inner)
		if err != nil || back != id || strings.ContainsAny(inner, "/?#\\ ") || inner == ".." || inner == "." {
			t.Fatalf("%q gives %q", id, op.path)
		}
	})
}
