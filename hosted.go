package postpress

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// HostedAuthLinkRequest asks for a page of the API on which a person links an account.
type HostedAuthLinkRequest struct {
	// ReconnectAccount is the id of the account to link again; empty creates one.
	ReconnectAccount string
	// Providers are offered on the page. A single entry may be a wildcard, "*"
	// or "*:MESSAGING". Empty means "*".
	Providers []Provider
	// ExpiresOn is when the link stops working. Required, in the future.
	ExpiresOn time.Time
	// Name comes back in the notification: your id of the person.
	Name string
	// NotifyURL receives the outcome, see ParseWebhook.
	NotifyURL string
	// SuccessRedirectURL and FailureRedirectURL are where the person goes after.
	SuccessRedirectURL, FailureRedirectURL string
	// BypassSuccessScreen skips the API's own last page.
	BypassSuccessScreen bool
	// APIURL is the address of the API the page talks to; empty means the
	// scheme and host of the client's base URL.
	APIURL string
}

type hostedAuthBody struct {
	Type                string `json:"type"`
	Providers           any    `json:"providers"`
	ExpiresOn           string `json:"expiresOn"`
	APIURL              string `json:"api_url"`
	Name                string `json:"name,omitempty"`
	NotifyURL           string `json:"notify_url,omitempty"`
	SuccessRedirectURL  string `json:"success_redirect_url,omitempty"`
	FailureRedirectURL  string `json:"failure_redirect_url,omitempty"`
	BypassSuccessScreen bool   `json:"bypass_success_screen,omitempty"`
	ReconnectAccount    string `json:"reconnect_account,omitempty"`
}

var opHosted = operation{method: http.MethodPost, path: "/hosted/accounts/link", template: "/hosted/accounts/link"}

// CreateHostedAuthLink makes a link to a page of the API on which a person
// links an account. Whoever has the link can use it until it expires: do not log it.
func (c *Client) CreateHostedAuthLink(ctx context.Context, r HostedAuthLinkRequest, opts ...RequestOption) (string, error) {
	if err := r.validate(); err != nil {
		return "", err
	}
	body := hostedAuthBody{
		Type: "create", Providers: r.Providers, ExpiresOn: r.ExpiresOn.UTC().Format(wireTime),
		APIURL: orDefault(r.APIURL, c.origin), Name: r.Name, NotifyURL: r.NotifyURL,
		SuccessRedirectURL: r.SuccessRedirectURL, FailureRedirectURL: r.FailureRedirectURL,
		BypassSuccessScreen: r.BypassSuccessScreen, ReconnectAccount: r.ReconnectAccount,
	}
	if r.ReconnectAccount != "" {
		body.Type = "reconnect"
	}
	switch {
	case len(r.Providers) == 0:
		body.Providers = "*"
	case isWildcard(r.Providers[0]):
		body.Providers = r.Providers[0]
	}
	answer := hostedAuthAnswer{}
	err := c.send(ctx, opHosted, "", body, &answer, opts)
	return string(answer.URL), err
}

func (r HostedAuthLinkRequest) validate() error {
	if !r.ExpiresOn.After(time.Now()) {
		return &ArgumentError{"ExpiresOn", "must be in the future"}
	}
	for _, p := range r.Providers {
		if p == "" || isWildcard(p) && len(r.Providers) > 1 {
			return &ArgumentError{"Providers", "must be providers such as WHATSAPP, or a single wildcard"}
		}
	}
	for _, f := range []struct{ name, url string }{
		{"NotifyURL", r.NotifyURL}, {"SuccessRedirectURL", r.SuccessRedirectURL},
		{"FailureRedirectURL", r.FailureRedirectURL}, {"APIURL", r.APIURL},
	} {
		if u, err := url.Parse(f.url); f.url != "" && (err != nil || !u.IsAbs()) {
			return &ArgumentError{f.name, "must be an absolute URL, such as https://example.com/linked"}
		}
	}
	if r.ReconnectAccount != "" {
		return checkID("ReconnectAccount", r.ReconnectAccount)
	}
	return nil
}

func isWildcard(p Provider) bool { return strings.HasPrefix(string(p), "*") }

type hostedAuthAnswer struct {
	URL Secret `json:"url"`
}

func (a *hostedAuthAnswer) decode(body []byte) error {
	if err := unmarshal(body, a); err != nil {
		return err
	}
	if a.URL == "" {
		return errNoURL
	}
	return nil
}

var errNoURL = errors.New("the answer has no url")
