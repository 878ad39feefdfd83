package transport

import (
	"encoding/json"
	"strings"
)

// Problem is what an error body says, whichever of the documented envelopes it
// came in. Fields the body does not have, or has in another JSON type, are empty.
type Problem struct {
	Type, Title, Detail, Instance, RequestID string
}

// ParseProblem never fails: a body that is not JSON, or no object, is an empty Problem.
func ParseProblem(body []byte) Problem {
	var w struct {
		Type      any `json:"type"`
		Title     any `json:"title"`
		Detail    any `json:"detail"`
		Instance  any `json:"instance"`
		RequestID any `json:"request_id"`
		Message   any `json:"message"`
		Error     any `json:"error"`
	}
	// A field of another type than expected is left empty, the rest is read.
	_ = json.Unmarshal(body, &w)
	p := Problem{
		Type: text(w.Type), Title: text(w.Title), Detail: text(w.Detail),
		Instance: text(w.Instance), RequestID: text(w.RequestID),
	}
	if p.Detail == "" {
		p.Detail = text(w.Message)
	}
	switch e := w.Error.(type) {
	case map[string]any:
		p.fill(e)
	case string:
		if p.Title == "" {
			p.Title = e
		}
	}
	if p.Type != "" && !strings.Contains(p.Type, "/") {
		p.Type = "errors/" + p.Type
	}
	return p
}

// fill reads the second envelope, whose code lacks the prefix errors/.
func (p *Problem) fill(e map[string]any) {
	set := func(field *string, keys ...string) {
		for _, k := range keys {
			if *field == "" {
				*field = text(e[k])
			}
		}
	}
	set(&p.Type, "code", "type")
	set(&p.Title, "title")
	set(&p.Detail, "message", "detail")
	set(&p.Instance, "instance")
	set(&p.RequestID, "request_id")
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
