package postpresstest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody is the longest request body the double reads; the API gives no number.
const maxBody = 1 << 20

// request is an HTTP request that has been read and understood.
type request struct {
	ctx    context.Context
	id     string
	method string
	path   string // escaped, without the prefix
	header http.Header
	query  url.Values
	params map[string]string // what the {names} of the route stand for
	body   []byte
	caller [sha256.Size]byte // which API key, without keeping it
}

// serve takes a request through its stages: read it, log it, let a fault have its
// way, answer it.
func (s *Server) serve(w http.ResponseWriter, hr *http.Request) {
	r, bad := s.read(hr)
	c := &call{s: s, w: w, r: r, bad: bad, entry: s.log.begin(r)}
	if !s.gate.enter() {
		c.send(s.errorAnswer(r, unavailable()))
		return
	}
	defer s.gate.leave()
	f, faulty := s.faults.next(r.method, r.path)
	if !faulty {
		c.send(c.carryOut())
		return
	}
	c.entry.faulted()
	if s.pause(r.ctx, f.Latency) {
		c.breakDown(f)
		return
	}
	c.send(s.errorAnswer(r, unavailable())) // read by nobody if the client has left
}

// call is one request on its way to an answer.
type call struct {
	s     *Server
	w     http.ResponseWriter
	r     *request
	bad   *apiError // why the request could not be read
	entry *logEntry
}

func (c *call) carryOut() answer {
	if c.bad != nil {
		return c.s.errorAnswer(c.r, c.bad)
	}
	return c.s.answer(c.r)
}

// send notes the answer before it goes out, so that whoever has it finds it in the log.
func (c *call) send(a answer) {
	c.entry.finish(a)
	a.write(c.w)
}

// pause reports whether it lasted its time: not if the client left or the server
// is closing.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.gate.done:
	}
	return false
}

func (s *Server) read(hr *http.Request) (*request, *apiError) {
	r := &request{
		ctx: hr.Context(), id: s.requests.uuid(), method: hr.Method, path: trimPrefix(hr.URL.EscapedPath()),
		header: hr.Header, query: hr.URL.Query(), params: map[string]string{},
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, hr.Body, maxBody))
	r.body = body
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return r, fail(http.StatusBadRequest, "content_too_large", "the body is longer than %d bytes", maxBody)
	case err != nil:
		return r, fail(http.StatusBadRequest, "malformed_request", "the body cannot be read: %v", err)
	}
	return r, nil
}

func trimPrefix(path string) string {
	for _, prefix := range []string{"/api/v1", "/v1"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
			return rest
		}
	}
	return path
}

// answer carries a request out.
func (s *Server) answer(r *request) answer {
	if err := s.authenticate(r); err != nil {
		return s.errorAnswer(r, err)
	}
	if err := s.limiter.take(r.caller, time.Now()); err != nil {
		return s.errorAnswer(r, err)
	}
	h, err := s.route(r)
	if err != nil {
		return s.errorAnswer(r, err)
	}
	return s.once(r, func() answer {
		a, err := h(s, r)
		if err != nil {
			return s.errorAnswer(r, err)
		}
		a.header.Set("X-Request-Id", r.id)
		return a
	})
}

func (s *Server) authenticate(r *request) *apiError {
	key := r.header.Get("X-API-KEY")
	if key == "" {
		scheme, token, _ := strings.Cut(r.header.Get("Authorization"), " ")
		if strings.EqualFold(scheme, "Bearer") {
			key = strings.TrimSpace(token)
		}
	}
	if key == "" {
		return fail(http.StatusUnauthorized, "missing_credentials", "send the API key as X-API-KEY or as a Bearer token")
	}
	if s.cfg.apiKey != "" && key != s.cfg.apiKey {
		return fail(http.StatusUnauthorized, "invalid_credentials", "this API key is not known")
	}
	r.caller = sha256.Sum256([]byte(key))
	return nil
}

// decode reads a JSON object into v.
func (r *request) decode(v any) *apiError {
	if ct := r.header.Get("Content-Type"); ct != "" && !isJSON(ct) {
		return fail(http.StatusBadRequest, "invalid_request", "the content type must be application/json, not %q", ct)
	}
	body := bytes.TrimSpace(r.body)
	if len(body) == 0 {
		body = []byte("{}") // what is missing is said field by field
	}
	err := json.Unmarshal(body, v)
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return invalid("%s must not be a JSON %s", wrongType.Field, wrongType.Value)
	case err != nil || body[0] != '{':
		return fail(http.StatusBadRequest, "malformed_request", "the body is not a JSON object")
	}
	return nil
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}
