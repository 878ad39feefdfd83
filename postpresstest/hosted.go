package postpresstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	postpress "github.com/postpress-ai/postpress-go"
)

type hostedBody struct {
	Type               string          `json:"type"`
	Providers          json.RawMessage `json:"providers"` // a string or an array of them
	ExpiresOn          string          `json:"expiresOn"`
	APIURL             string          `json:"api_url"`
	Name               string          `json:"name"`
	SuccessRedirectURL string          `json:"success_redirect_url"`
	FailureRedirectURL string          `json:"failure_redirect_url"`
	BypassSuccess      bool            `json:"bypass_success_screen"`
	NotifyURL          string          `json:"notify_url"`
	ReconnectAccount   string          `json:"reconnect_account"`
}

// hostedLink gives out a link that leads nowhere, since the double has no pages; see
// [Server.CompleteHostedLink].
func (s *Server) hostedLink(r *request) (answer, *apiError) {
	var b hostedBody
	if err := r.decode(&b); err != nil {
		return answer{}, err
	}
	if err := b.check(time.Now()); err != nil {
		return answer{}, err
	}
	if b.Type == "reconnect" {
		if err := s.accounts.known(b.ReconnectAccount); err != nil {
			return answer{}, err
		}
	}
	link := s.accounts.keepLink(b)
	return jsonAnswer(http.StatusCreated, wireObject{Object: "HostedAuthURL", URL: link}), nil
}

func (b *hostedBody) check(now time.Time) *apiError {
	switch {
	case b.Type == "":
		return missing("type")
	case b.Type != "create" && b.Type != "reconnect":
		return invalid("type must be create or reconnect")
	case b.Type == "reconnect" && b.ReconnectAccount == "":
		return missing("reconnect_account")
	case b.Type == "create" && len(b.Providers) == 0:
		return missing("providers")
	case len(b.Providers) > 0 && !isStrings(b.Providers):
		return invalid("providers must be a string or a list of strings, and not empty")
	}
	if b.ExpiresOn != "" {
		t, err := time.Parse(wireTime, b.ExpiresOn)
		if err != nil || !t.After(now) {
			return invalid("expiresOn must be a time to come, like 2025-12-31T23:59:59.999Z")
		}
	}
	for _, u := range []string{b.APIURL, b.SuccessRedirectURL, b.FailureRedirectURL, b.NotifyURL} {
		if u != "" && !isWebURL(u) {
			return fail(http.StatusBadRequest, "invalid_url", "%q is not an http or https URL", u)
		}
	}
	return nil
}

func isStrings(raw json.RawMessage) bool {
	var one string
	var many []string
	return json.Unmarshal(raw, &one) == nil && one != "" || json.Unmarshal(raw, &many) == nil && len(many) > 0
}

func (st *store) keepLink(b hostedBody) string {
	st.mu.Lock()
	defer st.mu.Unlock()
	link := "https://hosted.postpress.test/" + st.ids.pick(crockford, 26)
	st.links[link] = b
	return link
}

// CompleteHostedLink plays a person who opens a hosted link and links an account on
// its page: a new one of the first provider offered by name, or else WHATSAPP, or the
// one to be reconnected. It returns its id, and notify_url is told. A link can be used
// until it expires. The error is [ErrInvalid] for a link that is unknown or expired,
// or [ErrUnknownAccount] where the account to be reconnected is gone.
func (s *Server) CompleteHostedLink(link string) (accountID string, err error) {
	st := s.accounts
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	b, ok := st.links[link]
	if !ok || b.expired(now) {
		return "", fmt.Errorf("%w: the hosted link is unknown or has expired", ErrInvalid)
	}
	a, status := st.find(b.ReconnectAccount, now), postpress.StatusReconnected
	switch {
	case b.Type == "create":
		a, status = st.add("", b.provider(), now), postpress.StatusCreationSuccess
	case a == nil:
		return "", fmt.Errorf("%w: %s", ErrUnknownAccount, b.ReconnectAccount)
	}
	if a.intent.live() {
		st.connect(a, now)
	} else {
		st.connectAtOnce(a, now)
	}
	if b.NotifyURL != "" {
		s.sender.notify(b.NotifyURL, a.id, b.Name, status)
	}
	return a.id, nil
}

func (b *hostedBody) expired(now time.Time) bool {
	t, err := time.Parse(wireTime, b.ExpiresOn)
	return err == nil && !t.After(now)
}

// provider is the first of those offered that is no wildcard.
func (b *hostedBody) provider() postpress.Provider {
	var one postpress.Provider
	var many []postpress.Provider
	if json.Unmarshal(b.Providers, &one) != nil {
		_ = json.Unmarshal(b.Providers, &many) // has been checked
	}
	for _, p := range append(many, one) {
		if _, ok := providers[p]; ok {
			return p
		}
	}
	return postpress.ProviderWhatsApp
}
