package postpress

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postpress-ai/postpress-go/internal/transport"
)

// apiError makes an error of an answer, whatever its body is.
func (c *Client) apiError(req *request, resp *transport.Response) *APIError {
	p := transport.ParseProblem(resp.Body)
	e := &APIError{
		StatusCode:   resp.StatusCode,
		Type:         c.mask.words(p.Type, sampleRunes),
		Title:        c.mask.words(p.Title, maxRunes),
		Detail:       c.mask.words(p.Detail, maxRunes),
		Instance:     c.mask.words(p.Instance, sampleRunes),
		RequestID:    c.mask.id(orDefault(p.RequestID, requestID(resp.Header))),
		Method:       req.Method,
		PathTemplate: req.Template,
		RetryAfter:   transport.RetryAfter(resp.Header, time.Now()),
		Attempts:     resp.Attempts,
		Header:       resp.Header,
		raw:          resp,
		unsure:       resp.Unsure,
	}
	switch {
	case e.StatusCode >= 300 && e.StatusCode < 400:
		e.Detail = "redirect refused, it would carry the API key away; check the base URL" + redirectTarget(resp.Header)
	case e.Type == "" && e.Title == "" && e.Detail == "":
		e.Detail = c.mask.sample(resp.Body)
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
		e.Title, e.Detail = no.Error(), ""
		return e
	}
	e.Title = "the answer could not be read"
	e.Detail = c.mask.words(cause.Error(), maxRunes)
	// A page is shown. Anything else of a success may hold a secret.
	if isPage(resp.Body) {
		e.Detail += ": " + c.mask.sample(resp.Body)
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
	return fmt.Sprintf(" (it points to %s)", shorten(oneLine(u.Scheme+"://"+u.Host)))
}

// isPage knows HTML and XML by how they begin.
func isPage(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

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

// shorten keeps what is enough to recognize a text.
func shorten(s string) string { return cut(s, sampleRunes) }

func cut(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes]) + "…"
}

// oneLine folds white space, control and formatting characters, so that the
// text of a stranger cannot write lines of its own into a log.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}), " ")
}
