package postpresstest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A handler carries one call out.
type handler func(*Server, *request) (answer, *apiError)

type route struct {
	method  string
	pattern string // segments; {name} stands for any one
	handle  handler
}

// newRoutes lists the whole API; where two patterns match, the first counts.
func newRoutes() []route {
	return []route{
		{http.MethodGet, "/accounts", (*Server).listAccounts},
		{http.MethodPost, "/accounts", (*Server).connectAccount},
		{http.MethodPost, "/accounts/checkpoint", (*Server).solveCheckpoint},
		{http.MethodPost, "/accounts/checkpoint/resend", (*Server).resendCheckpoint},
		{http.MethodGet, "/accounts/{id}", (*Server).getAccount},
		{http.MethodPost, "/accounts/{id}", (*Server).reconnectAccount},
		{http.MethodPatch, "/accounts/{id}", (*Server).updateAccount},
		{http.MethodDelete, "/accounts/{id}", (*Server).deleteAccount},
		{http.MethodPost, "/accounts/{id}/restart", (*Server).restartAccount},
		{http.MethodGet, "/accounts/{id}/sync", (*Server).resyncAccount},
		{http.MethodPost, "/hosted/accounts/link", (*Server).hostedLink},
		{http.MethodGet, "/webhooks", (*Server).listWebhooks},
		{http.MethodPost, "/webhooks", (*Server).createWebhook},
		{http.MethodDelete, "/webhooks/{id}", (*Server).deleteWebhook},
	}
}

// route finds the handler of a request and notes what its {names} stand for.
func (s *Server) route(r *request) (handler, *apiError) {
	var allowed []string
	for _, rt := range s.routes {
		params, ok := match(rt.pattern, r.path)
		if !ok {
			continue
		}
		if rt.method == r.method {
			r.params = params
			return rt.handle, nil
		}
		if !slices.Contains(allowed, rt.method) {
			allowed = append(allowed, rt.method)
		}
	}
	if allowed == nil {
		return nil, notFound("this path")
	}
	err := fail(http.StatusMethodNotAllowed, "method_not_allowed", "%s is not possible here", r.method)
	err.allow = strings.Join(allowed, ", ")
	return nil, err
}

// match compares an escaped path with a pattern, segment by segment: an escaped
// slash belongs to its segment.
func match(pattern, path string) (map[string]string, bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, false
	}
	params := map[string]string{}
	for i, w := range want {
		segment, err := url.PathUnescape(have[i])
		switch {
		case err != nil:
			return nil, false
		case strings.HasPrefix(w, "{") && segment != "":
			params[strings.Trim(w, "{}")] = segment
		case w != segment:
			return nil, false
		}
	}
	return params, true
}
