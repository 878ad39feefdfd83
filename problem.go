package postpress

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postpress-ai/postpress-go/internal/transport"
)

// apiError makes an error of an answer, whatever its body is.
func (c *Client) apiError(req *request, resp *transport.Response) *APIError {
	p := transport.ParseProblem(resp.Body)
	e := &APIError{
		StatusCode:   resp.StatusCode,
		Type:         oneLine(p.Type),
		Title:        c.mask.text(p.Title),
		Detail:       c.mask.text(p.Detail),
		Instance:     p.Instance,
		RequestID:    oneLine(orDefault(p.RequestID, requestID(resp.Header))),
		Method:       req.Method,
		PathTemplate: req.Template,
		RetryAfter:   transport.RetryAfter(resp.Header, time.Now()),
		Attempts:     resp.Attempts,
		Header:       resp.Header,
		body:         resp.Body,
		unsure:       resp.Unsure,
	}
	switch {
	case e.StatusCode >= 300 && e.StatusCode < 400:
		e.Detail = "redirect refused, it would carry the API key away; check the base URL" + redirectTarget(resp.Header)
	case e.Type == "" && e.Title == "" && e.Detail == "":
		e.Detail = c.mask.text(sample(resp.Body))
	}
	return e
}

// refusal is a 2xx answer that says no.
type refusal struct {
	title string
	is    error // sentinel, or nil
}

func (r *refusal) Error() string { return r.title }
func (r *refusal) Unwrap() error { return r.is }

// unreadable is a success whose body cannot be used: often a page of some
// gateway or captive portal.
func (c *Client) unreadable(req *request, resp *transport.Response, cause error) *APIError {
	e := c.apiError(req, resp)
	e.cause = cause
	var no *refusal
	if errors.As(cause, &no) {
		e.Title, e.Detail = no.title, ""
		return e
	}
	e.Title = "the answer could not be read"
	e.Detail = c.mask.text(cause.Error())
	if s := sample(resp.Body); s != "" && s[0] != '{' {
		e.Detail += ": " + c.mask.text(s)
	}
	e.unsure = req.Method != http.MethodGet
	return e
}

func requestID(h http.Header) string {
	return orDefault(h.Get("X-Request-Id"), h.Get("Request-Id"))
}

// redirectTarget names scheme and host only: the rest may hold anything.
func redirectTarget(h http.Header) string {
	u, err := url.Parse(h.Get("Location"))
	if err != nil || u.Host == "" {
		return ""
	}
	return fmt.Sprintf(" (it points to %s://%s)", oneLine(u.Scheme), oneLine(u.Host))
}

const sampleRunes = 120

// sample is the beginning of a body on one line, without the tags of HTML.
func sample(body []byte) string {
	s := string(body[:min(len(body), 4096)])
	if strings.HasPrefix(strings.TrimSpace(s), "<") {
		s = withoutTags(s)
	}
	return shorten(oneLine(s))
}

func withoutTags(s string) string {
	var b strings.Builder
	for s != "" {
		text, rest, found := strings.Cut(s, "<")
		b.WriteString(text + " ")
		if !found {
			break
		}
		for _, hidden := range []string{"style", "script"} {
			if len(rest) >= len(hidden) && strings.EqualFold(rest[:len(hidden)], hidden) {
				_, rest, _ = strings.Cut(rest, "</")
			}
		}
		_, s, _ = strings.Cut(rest, ">")
	}
	return b.String()
}

func shorten(s string) string {
	if utf8.RuneCountInString(s) <= sampleRunes {
		return s
	}
	return string([]rune(s)[:sampleRunes]) + "…"
}

// oneLine folds white space and control characters, so that the text of a
// stranger cannot write lines of its own into a log.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r <= 0xa0 || r == 0x2028 || r == 0x2029
	}), " ")
}

// masker hides from the API's words what must not reach a log: the key, and
// numbers as long as a phone number, which the API may repeat from the request.
type masker struct{ apiKey string }

const maxWords = 500 // runes of Title or Detail

func (m masker) text(s string) string {
	s = oneLine(s)
	if m.apiKey != "" {
		s = strings.ReplaceAll(s, m.apiKey, redacted)
	}
	if utf8.RuneCountInString(s) > maxWords {
		s = string([]rune(s)[:maxWords]) + "…"
	}
	return maskNumbers(s)
}

func maskNumbers(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		if n := end - i; n >= 7 && n <= 15 && !partOfWord(s, i-1) && !partOfWord(s, end) {
			b.WriteString(redacted)
		} else if n > 0 {
			b.WriteString(s[i:end])
		} else {
			b.WriteByte(s[i])
			end++
		}
		i = end
	}
	return b.String()
}

// partOfWord tells a number from a piece of an id such as a UUID.
func partOfWord(s string, i int) bool {
	if i < 0 || i >= len(s) {
		return false
	}
	c := s[i]
	return c == '-' || c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
