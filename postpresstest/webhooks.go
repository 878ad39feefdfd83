package postpresstest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

var (
	webhookSources = []string{"messaging", "users", "account_status", "email", "email_tracking", "calendar_event"}
	webhookFormats = []string{"json", "form"}
	accountEvents  = []string{
		"creation_success", "creation_fail", "deleted", "reconnected", "sync_success", "stopped", "ok",
		"connecting", "error", "credentials", "permissions",
	}
)

// webhook is an endpoint that was created, and the body that created it.
type webhook struct {
	seq int
	id  string
	webhookBody
}

type webhookBody struct {
	Source     string          `json:"source"`
	RequestURL string          `json:"request_url"`
	Name       string          `json:"name"`
	Format     string          `json:"format"`
	Enabled    *bool           `json:"enabled"`
	AccountIDs []string        `json:"account_ids"`
	Events     []string        `json:"events"`
	Headers    []webhookHeader `json:"headers"`
	Data       []webhookField  `json:"data"`
}

// webhookStore keeps the endpoints. It is safe for concurrent use.
type webhookStore struct {
	ids *generator

	mu      sync.Mutex
	all     []*webhook
	lastSeq int
}

func (b *webhookBody) check() *apiError {
	switch {
	case b.Source == "":
		return missing("source")
	case !slices.Contains(webhookSources, b.Source):
		return invalid("source %q is unknown", b.Source)
	case b.RequestURL == "":
		return missing("request_url")
	case !isWebURL(b.RequestURL):
		return fail(http.StatusBadRequest, "invalid_url", "request_url must be an http or https URL")
	case b.Format != "" && !slices.Contains(webhookFormats, b.Format):
		return invalid("format %q is unknown", b.Format)
	}
	for _, e := range b.Events {
		if b.Source == "account_status" && !slices.Contains(accountEvents, e) {
			return invalid("event %q is unknown", e)
		}
	}
	for _, h := range b.Headers {
		if strings.TrimSpace(h.Key) == "" {
			return invalid("a header has no key")
		}
	}
	return nil
}

// wants says whether an account change is for this webhook. A list that was not
// given, or is empty, leaves nothing out.
func (b *webhookBody) wants(c change) bool {
	event := strings.ToLower(string(c.message))
	return b.Source == "account_status" && b.enabled() &&
		(len(b.AccountIDs) == 0 || slices.Contains(b.AccountIDs, c.accountID)) &&
		(len(b.Events) == 0 || slices.Contains(b.Events, event))
}

func (b *webhookBody) enabled() bool { return b.Enabled == nil || *b.Enabled }

func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (s *Server) createWebhook(r *request) (answer, *apiError) {
	var body webhookBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	if err := body.check(); err != nil {
		return answer{}, err
	}
	for _, id := range body.AccountIDs {
		if s.accounts.known(id) != nil {
			return answer{}, invalid("account %s in account_ids does not exist", id)
		}
	}
	id := s.webhooks.add(body)
	return jsonAnswer(http.StatusCreated, wireObject{Object: "WebhookCreated", WebhookID: id}), nil
}

func (ws *webhookStore) add(body webhookBody) string {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.lastSeq++
	w := &webhook{seq: ws.lastSeq, id: ws.ids.id("whk"), webhookBody: body}
	ws.all = append(ws.all, w)
	return w.id
}

// wanting lists the webhooks that an account change is for, oldest first.
func (ws *webhookStore) wanting(c change) []*webhook {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	var all []*webhook
	for _, w := range ws.all {
		if w.wants(c) {
			all = append(all, w)
		}
	}
	return all
}

func (ws *webhookStore) has(id string) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return slices.ContainsFunc(ws.all, func(w *webhook) bool { return w.id == id })
}

func (s *Server) listWebhooks(r *request) (answer, *apiError) {
	p, err := r.page("webhooks")
	if err != nil {
		return answer{}, err
	}
	s.webhooks.mu.Lock()
	all := slices.Clone(s.webhooks.all)
	s.webhooks.mu.Unlock()
	items, next := cut(p, all, func(w *webhook) int { return w.seq })
	wire := make([]wireWebhook, len(items))
	for i, w := range items {
		wire[i] = s.wireWebhook(w)
	}
	return s.listAnswer("WebhookList", wire, next), nil
}

func (s *Server) deleteWebhook(r *request) (answer, *apiError) {
	s.webhooks.mu.Lock()
	defer s.webhooks.mu.Unlock()
	i := slices.IndexFunc(s.webhooks.all, func(w *webhook) bool { return w.id == r.params["id"] })
	if i < 0 {
		return answer{}, notFound("this webhook")
	}
	s.webhooks.all = slices.Delete(s.webhooks.all, i, i+1)
	return jsonAnswer(http.StatusOK, wireObject{Object: "WebhookDeleted"}), nil
}

func (s *Server) wireWebhook(w *webhook) wireWebhook {
	out := wireWebhook{
		Object: "Webhook", ID: w.id, Type: "AUTO", Name: w.Name, RequestURL: w.RequestURL,
		Enabled: w.enabled(), Format: w.Format, AccountIDs: []wireWebhookAccount{},
		Headers: orEmpty(w.Headers), Data: orEmpty(w.Data), Events: orEmpty(w.Events),
	}
	if out.Format == "" {
		out.Format = "json"
	}
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	for _, id := range w.AccountIDs {
		if a := s.accounts.find(id, time.Now()); a != nil {
			out.AccountIDs = append(out.AccountIDs, wireWebhookAccount{ID: id, Name: a.name, Type: a.provider})
		}
	}
	return out
}

// orEmpty keeps a list that was not given from becoming null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
