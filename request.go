package postpress

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postpress-ai/postpress-go/internal/transport"
)

// RequestOption changes one call. Every call of the client accepts them.
type RequestOption func(*request) error

type request = transport.Request

// WithIdempotencyKey sets the Idempotency-Key of a POST or PATCH, 1–255
// printable ASCII characters; other methods ignore it. A replay with the same
// key returns the original answer (documented by the API). Without this option
// each call makes up a key of its own, the same for all its attempts; give one
// where the call must also survive a restart of your program.
func WithIdempotencyKey(key string) RequestOption {
	return func(r *request) error {
		if !isIdempotencyKey(key) {
			return &ArgumentError{"WithIdempotencyKey", "must be 1 to 255 printable ASCII characters, without spaces around them"}
		}
		if r.Method == http.MethodPost || r.Method == http.MethodPatch {
			r.IdempotencyKey = key
		}
		return nil
	}
}

func isIdempotencyKey(s string) bool {
	return s != "" && len(s) <= 255 && printable(s) && strings.TrimSpace(s) == s
}

// reservedHeaders are the client's own: setting them would break the
// authentication, the decoding or the framing.
var reservedHeaders = []string{
	"X-Api-Key", "Authorization", "Accept", "Accept-Encoding", "Content-Type", "Content-Length",
	"Host", "Connection", "Transfer-Encoding", "Trailer", "Upgrade", "User-Agent", "Idempotency-Key",
}

// WithHeader adds a header to the request, for tracing for instance. Headers
// that the client sets itself are refused; for some of them there is an option
// (WithIdempotencyKey, WithApplication).
func WithHeader(key, value string) RequestOption {
	return func(r *request) error {
		name := textproto.CanonicalMIMEHeaderKey(key)
		switch {
		case !isToken(key):
			return &ArgumentError{"WithHeader", "the key must be a header name"}
		case slices.Contains(reservedHeaders, name):
			return &ArgumentError{"WithHeader", name + " is set by the client"}
		case strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }):
			return &ArgumentError{"WithHeader", "the value of " + name + " must not hold control characters"}
		}
		if r.Header == nil {
			r.Header = make(http.Header)
		}
		r.Header[name] = append(r.Header[name], value)
		return nil
	}
}

func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
}

func applyRequestOptions(r *request, opts []RequestOption) error {
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(r); err != nil {
			return err
		}
	}
	return nil
}

// checkID refuses an id that would address something else than it names.
func checkID(field, id string) error {
	switch {
	case isPlain(id): // as all are
	case id == "":
		return &ArgumentError{field, "must not be empty"}
	case id == "." || id == ".." || strings.ContainsAny(id, `/\`):
		return &ArgumentError{field, "must be an id as the API gave it, without path separators"}
	case strings.ContainsFunc(id, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return &ArgumentError{field, "must be an id as the API gave it, without white space or control characters"}
	case len(id) > 512:
		return &ArgumentError{field, "must be an id as the API gave it, at most 512 bytes"}
	}
	return nil
}

func isPlain(id string) bool {
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return id != "" && len(id) <= 512
}

// parsePath checks what the caller of Do gives.
func parsePath(method, path string) (operation, string, error) {
	bad := func(field, problem string) (operation, string, error) {
		return operation{}, "", &ArgumentError{field, problem}
	}
	if !isToken(method) {
		return bad("method", "must be an HTTP method such as GET")
	}
	rest, query, _ := strings.Cut(path, "?")
	plain, err := url.PathUnescape(rest)
	switch u := (url.URL{Path: plain, RawPath: rest}); {
	case !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//"):
		return bad("path", "must begin with a single slash and be relative to the base URL")
	case err != nil || strings.ContainsAny(path, "# ") || !printable(path) || u.EscapedPath() != rest:
		return bad("path", "must be an escaped URL path without a fragment")
	case hasDots(plain):
		return bad("path", "must not hold . or .. as a segment")
	}
	return operation{strings.ToUpper(method), rest, templateOf(rest)}, query, nil
}

func hasDots(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// templateOf is a path without what may be an id, a phone number or a name.
func templateOf(path string) string {
	for segment := range strings.SplitSeq(path, "/") {
		if len(segment) > 32 || strings.Trim(segment, "abcdefghijklmnopqrstuvwxyz_-") != "" {
			before, after, _ := strings.Cut(path, segment)
			return before + "{id}" + templateOf(after)
		}
	}
	return path
}

func encode(in any) ([]byte, error) {
	if in == nil {
		return nil, nil
	}
	var body []byte
	var err error
	if r, ours := in.(ConnectRequest); ours {
		body, err = r.MarshalJSON() // json.Marshal would check it and copy it
	} else {
		body, err = json.Marshal(in)
	}
	if err != nil {
		return nil, &ArgumentError{"in", "cannot be written as JSON: " + err.Error()}
	}
	return body, nil
}

// decoder is implemented by the types of this package: they read what they
// can and keep the rest, see unmarshal.
type decoder interface{ decode(body []byte) error }

func decode(resp *transport.Response, out any) error {
	if d, ours := out.(decoder); ours {
		return d.decode(resp.Body)
	}
	if out == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if raw, ok := out.(*json.RawMessage); ok {
		if !json.Valid(resp.Body) {
			return errNotJSON
		}
		*raw = resp.Body
		return nil
	}
	return json.Unmarshal(resp.Body, out)
}

var (
	errNotJSON   = errors.New("the body is not JSON")
	errNotObject = errors.New("the body is not a JSON object")
)

// unmarshal reads a JSON object as well as it can be read: a field of another
// JSON type than documented stays at its zero value and does no harm to the
// others. encoding/json works so already, and reports the first such field at the end.
func unmarshal(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		var mismatch *json.UnmarshalTypeError
		if !errors.As(err, &mismatch) {
			return errNotJSON
		}
	}
	if bytes.TrimLeft(data, " \t\r\n")[0] != '{' {
		return errNotObject
	}
	return nil
}

// looseText is a JSON string, or the number that somebody sent instead of one.
type looseText string

// UnmarshalJSON implements json.Unmarshaler.
func (t *looseText) UnmarshalJSON(data []byte) error {
	*t = looseText(text(data))
	return nil
}

// span is a part of the body, without a copy of it.
type span []byte

// UnmarshalJSON implements json.Unmarshaler.
func (s *span) UnmarshalJSON(data []byte) error {
	*s = data[:len(data):len(data)]
	return nil
}

// text reads valid JSON as looseText does.
func text(raw []byte) string {
	switch {
	case len(raw) == 0:
		return ""
	case raw[0] == '"':
		if plain := raw[1 : len(raw)-1]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
			return string(plain)
		}
		var s string
		_ = json.Unmarshal(raw, &s)
		return s
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return string(raw)
	}
	return ""
}
