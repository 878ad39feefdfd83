package postpress

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The calls of this file, as the API reference has them.
var (
	opCreateWebhook = operation{method: http.MethodPost, path: "/webhooks", template: "/webhooks"}
	opListWebhooks  = operation{method: http.MethodGet, path: "/webhooks", template: "/webhooks"}
	opDeleteWebhook = operation{method: http.MethodDelete, template: "/webhooks/{id}"}
)

// accountStatusEvents are all the events of account_status (documented by the API).
var accountStatusEvents = []string{
	"creation_success", "creation_fail", "deleted", "reconnected", "sync_success", "stopped",
	"ok", "connecting", "error", "credentials", "permissions",
}

// GenerateWebhookSecret makes a secret for CreateAccountStatusWebhook and
// WebhookConfig.Secrets: more than 128 random bits, letters and digits. Keep it where
// you keep passwords. It is safe for concurrent use.
func GenerateWebhookSecret() string { return rand.Text() }

// CreateWebhook asks the API to send events of any source to a URL, and returns
// the id of the webhook. For the status of accounts, CreateAccountStatusWebhook
// says the same in fewer words.
func (c *Client) CreateWebhook(ctx context.Context, r WebhookRequest, opts ...RequestOption) (id string, err error) {
	if err := r.validate(); err != nil {
		return "", err
	}
	var answer webhookCreated
	err = c.send(ctx, opCreateWebhook, "", r, &answer, opts)
	return answer.id, err
}

type webhookCreated struct{ id string }

func (w *webhookCreated) decode(body []byte) error {
	var o webhookPayload
	if err := unmarshal(body, &o); err != nil {
		return err
	}
	if w.id = orDefault(text(o["webhook_id"]), text(o["id"])); w.id == "" {
		return errNoWebhookID
	}
	return nil
}

var errNoWebhookID = errors.New("the answer has no webhook_id")

// CreateAccountStatusWebhook asks the API to send every change of an account's
// status to requestURL, where a WebhookHandler with this secret listens, and
// returns the id of the webhook. It sets the secret as the header Postpress-Auth and
// Content-Type, which the API does not send by itself.
//
// The URL must begin with https://, unless its host is loopback, since the
// secret is in each request. It must be the very one the handler answers: where the
// router would redirect (/hook to /hook/ or back, // to /, a host to its www), every
// event fails and is lost after five more attempts. The secret has at least 16 bytes;
// see GenerateWebhookSecret.
//
// Each call creates a webhook more: see EnsureAccountStatusWebhook.
func (c *Client) CreateAccountStatusWebhook(ctx context.Context, requestURL, secret string, opts ...RequestOption) (id string, err error) {
	r, err := accountStatusWebhook(requestURL, secret)
	if err != nil {
		return "", err
	}
	return c.CreateWebhook(ctx, r, opts...)
}

func accountStatusWebhook(requestURL, secret string) (r WebhookRequest, err error) {
	u, err := parseWebhookURL("requestURL", requestURL)
	if err != nil {
		return r, err
	}
	if u.Scheme != "https" && !isLoopback(u.Hostname()) {
		return r, &ArgumentError{"requestURL", "must begin with https:// unless the host is loopback: every event carries the secret"}
	}
	if err := checkWebhookSecret("secret", secret); err != nil {
		return r, err
	}
	return WebhookRequest{
		Source: WebhookSourceAccountStatus, RequestURL: requestURL, Name: "account status", BodyFormat: WebhookFormatJSON,
		Events:  slices.Clone(accountStatusEvents),
		Headers: []WebhookHeader{{DefaultWebhookHeader, Secret(secret)}, {"Content-Type", "application/json"}},
	}, nil
}

// ErrWebhookSecret says that a webhook for the URL and the events exists, with another secret.
var ErrWebhookSecret = errors.New("postpress: the webhook for this URL exists with another secret")

// EnsureAccountStatusWebhook is CreateAccountStatusWebhook for the start of a
// program: it returns the id of a webhook that exists already, for the same URL and
// all events of account_status, and creates one only where there is none. A webhook
// that is disabled, is limited to some accounts, or renames fields does not count.
//
// Where the API lists the webhook with another secret, its id comes with an
// error that matches ErrWebhookSecret, since its events would be refused. To
// rotate the secret, see WebhookConfig.Secrets.
//
// Two programs that start in the same moment may still create two. Both then
// deliver every event, which a WebhookHandler copes with.
func (c *Client) EnsureAccountStatusWebhook(ctx context.Context, requestURL, secret string, opts ...RequestOption) (id string, err error) {
	r, err := accountStatusWebhook(requestURL, secret)
	if err != nil {
		return "", err
	}
	other := ""
	for w, err := range c.webhooks(ctx, ListOptions{Limit: 250}, opts) {
		switch {
		case err != nil:
			return "", err
		case !w.covers(r):
		case !w.hasOtherSecret(secret):
			return w.ID, nil
		default:
			other = w.ID
		}
	}
	if other != "" {
		return other, fmt.Errorf("%w (%s)", ErrWebhookSecret, oneLine(other))
	}
	return c.CreateWebhook(ctx, r, opts...)
}

// covers tells whether a webhook does what the request asks for.
func (w *Webhook) covers(r WebhookRequest) bool {
	if !w.Enabled || len(w.Accounts) > 0 || !sameURL(w.RequestURL, r.RequestURL) {
		return false
	}
	if slices.ContainsFunc(w.Data, func(f WebhookField) bool { return f.Name != f.Key }) {
		return false
	}
	for _, e := range r.Events {
		if !slices.ContainsFunc(w.Events, func(have string) bool { return strings.EqualFold(have, e) }) {
			return false
		}
	}
	return true
}

// hasOtherSecret is false where the API does not list the secret, or masks it.
func (w *Webhook) hasOtherSecret(secret string) bool {
	for _, h := range w.Headers {
		value := string(h.Value)
		if strings.EqualFold(h.Key, DefaultWebhookHeader) && len(value) >= minWebhookSecret && !strings.ContainsAny(value, "*•…") {
			return value != secret
		}
	}
	return false
}

// sameURL compares URLs as the API may write them: the host in lower case, a slash for no path.
func sameURL(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	if errX != nil || errY != nil {
		return a == b
	}
	for _, u := range []*url.URL{x, y} {
		u.Host, u.Path = strings.ToLower(u.Host), orDefault(u.Path, "/")
	}
	return x.String() == y.String()
}

// ListWebhooks reads one page of the webhooks of the workspace.
func (c *Client) ListWebhooks(ctx context.Context, o ListOptions, opts ...RequestOption) (*WebhookPage, error) {
	query, err := o.query()
	if err != nil {
		return nil, err
	}
	page := new(WebhookPage)
	if err := c.send(ctx, opListWebhooks, query, nil, page, opts); err != nil {
		return nil, err
	}
	return page, nil
}

// AllWebhooks iterates over all webhooks, like AllAccounts: it reads a page when
// it gets there, and yields one error and stops where a page cannot be read, or
// where the API repeats a cursor.
func (c *Client) AllWebhooks(ctx context.Context, o ListOptions) iter.Seq2[*Webhook, error] {
	return c.webhooks(ctx, o, nil)
}

func (c *Client) webhooks(ctx context.Context, o ListOptions, opts []RequestOption) iter.Seq2[*Webhook, error] {
	return all(o, func(o ListOptions) ([]*Webhook, string, error) {
		page, err := c.ListWebhooks(ctx, o, opts...)
		if err != nil {
			return nil, "", err
		}
		return page.Webhooks, page.NextCursor, nil
	})
}

// DeleteWebhook ends a webhook: no more events are sent. One that does not
// exist is ErrNotFound, unless the first of several attempts may have deleted it.
func (c *Client) DeleteWebhook(ctx context.Context, id string, opts ...RequestOption) error {
	if err := checkID("id", id); err != nil {
		return err
	}
	op := opDeleteWebhook
	op.path = "/webhooks/" + url.PathEscape(id)
	return c.send(ctx, op, "", nil, nil, opts)
}
