package postpresstest

import (
	"encoding/json"
	"net/http"
	"time"
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

// hostedLink gives out a link that leads nowhere: the double has no pages.
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
	link := "https://hosted.postpress.test/" + s.accounts.ids.pick(crockford, 26)
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
