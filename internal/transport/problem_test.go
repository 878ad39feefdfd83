package transport

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestParseProblem(t *testing.T) {
	for body, want := range map[string]Problem{
		`{"status":401,"type":"errors/invalid_credentials","title":"Invalid","detail":"d","instance":"i"}`: {
			Type: "errors/invalid_credentials", Title: "Invalid", Detail: "d", Instance: "i"},
		`{"error":{"code":"invalid_parameters","message":"m","request_id":"0e1f3a8a"}}`: {
			Type: "errors/invalid_parameters", Detail: "m", RequestID: "0e1f3a8a"},
		`{"error":{"type":"errors/x","title":"t","detail":"d","instance":"i"}}`: {
			Type: "errors/x", Title: "t", Detail: "d", Instance: "i"},
		`{"type":"errors/outer","error":{"code":"inner","message":"m"}}`: {Type: "errors/outer", Detail: "m"},
		`{"type":"https://example.com/probs/x"}`:                         {Type: "https://example.com/probs/x"},
		`{"type":"key_missing"}`:                                         {Type: "errors/key_missing"},
		`{"message":"Forbidden"}`:                                        {Detail: "Forbidden"},
		`{"detail":"d","message":"m"}`:                                   {Detail: "d"},
		`{"error":"unauthorized"}`:                                       {Title: "unauthorized"},
		`{"error":"unauthorized","title":"t"}`:                           {Title: "t"},
		`{"request_id":"r"}`:                                             {RequestID: "r"},

		// Other JSON types than documented spoil their own field only.
		`{"type":401,"title":["x"],"detail":"d","instance":{},"request_id":true}`: {Detail: "d"},
		`{"error":{"code":401,"message":{"a":1},"request_id":"r"}}`:               {RequestID: "r"},
		`{"error":{"code":null,"type":"errors/x","message":"m"}}`:                 {Type: "errors/x", Detail: "m"},
		`{"type":null,"title":null,"detail":null,"error":null}`:                   {},
		`{"type":"errors/x","error":true}`:                                        {Type: "errors/x"},
		`{"type":"errors/x","error":["a"]}`:                                       {Type: "errors/x"},
		`{"type":"errors/x","status":"401"}`:                                      {Type: "errors/x"},

		``: {}, ` `: {}, `null`: {}, `true`: {}, `17`: {}, `"text"`: {}, `[]`: {}, `[{"type":"errors/x"}]`: {}, `{}`: {},
		`<html><body>502 Bad Gateway</body></html>`: {},
		`{"type":"errors/x"`:                        {},
		`{"type":"errors/x"} trailing`:              {},
	} {
		assert.Equal(t, want, ParseProblem([]byte(body)), body)
	}
	assert.Equal(t, Problem{}, ParseProblem(nil))
}

func FuzzParseProblem(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `[]`, `{`, `<html></html>`, `{"type":"errors/x","title":"t","detail":"d","instance":"i"}`,
		`{"error":{"code":"c","message":"m","request_id":"r"}}`, `{"error":"e"}`, `{"error":{"code":1}}`,
		`{"type":null,"error":{"type":[]}}`, "\xff\xfe", `{"TYPE":"x"}`, strings.Repeat("[", 20000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := ParseProblem(body)
		if p.Type != "" && !strings.Contains(p.Type, "/") {
			t.Errorf("type %q has no prefix", p.Type)
		}
		if again := ParseProblem(append([]byte("\n\t "), body...)); again != p {
			t.Errorf("white space before the body changes %+v to %+v", p, again)
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{
		"", "0", "1", "30", "-1", "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372037",
		"99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT",
		"Friday, 02-Jan-26 03:04:05 GMT", "Fri Jan  2 03:04:05 2026", "soon", "\x00", "1e9", "٣",
	} {
		f.Add(seed, int64(1767323045))
	}
	f.Fuzz(func(t *testing.T, v string, now int64) {
		d := RetryAfter(http.Header{"Retry-After": {v}}, time.Unix(now, 0))
		if d < 0 || d > (1<<32-1)*time.Second {
			t.Errorf("%q at %d: %v", v, now, d)
		}
		delay, ok := testPolicy.delay(0, d)
		if ok && (delay < minDelay || delay > 34*time.Second) {
			t.Errorf("%q: a delay of %v", v, delay)
		}
	})
}
