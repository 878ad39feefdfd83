package postpresstest

import (
	"net/http"

	postpress "github.com/postpress-ai/postpress-go"
)

// testKey is what [Server.Client] sends unless [WithAPIKey] says otherwise.
const testKey = "pp_test_double"

// Client returns a client wired to the double in memory. Options are applied after
// the wiring, so they may replace any part of it. It panics on an invalid option.
// The client belongs to the caller; what it leaves open ends with [Server.Close].
func (s *Server) Client(opts ...postpress.Option) *postpress.Client {
	key := s.cfg.apiKey
	if key == "" {
		key = testKey
	}
	wired := []postpress.Option{
		postpress.WithBaseURL(s.URL + "/v1"),
		postpress.WithHTTPClient(&http.Client{Transport: s.transport}),
	}
	c, err := postpress.New(key, append(wired, opts...)...)
	if err != nil {
		panic("postpresstest: " + err.Error())
	}
	return c
}
