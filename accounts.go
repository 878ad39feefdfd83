package postpress

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
)

// The calls of this file, as the API reference has them.
var (
	opConnect   = operation{method: http.MethodPost, path: "/accounts", template: "/accounts"}
	opList      = operation{method: http.MethodGet, path: "/accounts", template: "/accounts"}
	opReconnect = operation{method: http.MethodPost, template: "/accounts/{id}"}
	opGet       = operation{method: http.MethodGet, template: "/accounts/{id}"}
	opUpdate    = operation{method: http.MethodPatch, template: "/accounts/{id}"}
	opDelete    = operation{method: http.MethodDelete, template: "/accounts/{id}"}
	opRestart   = operation{method: http.MethodPost, template: "/accounts/{id}/restart"}
	opResync    = operation{method: http.MethodGet, template: "/accounts/{id}/sync"}
	opSolve     = operation{method: http.MethodPost, path: "/accounts/checkpoint", template: "/accounts/checkpoint"}
	opResend    = operation{method: http.MethodPost, path: "/accounts/checkpoint/resend", template: "/accounts/checkpoint/resend"}
)

// ConnectAccount starts to link an account of any provider. The result has a
// checkpoint to solve, or none where the account is linked already. For
// WhatsApp, StartWhatsAppQR and StartWhatsAppPairing say the same in fewer words.
func (c *Client) ConnectAccount(ctx context.Context, r ConnectRequest, opts ...RequestOption) (*ConnectResult, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	return c.connect(ctx, opConnect, r, opts)
}

// ReconnectAccount starts to link an existing account again, with the same
// request and result as ConnectAccount.
func (c *Client) ReconnectAccount(ctx context.Context, id string, r ConnectRequest, opts ...RequestOption) (*ConnectResult, error) {
	op, err := opReconnect.at(id)
	if err != nil {
		return nil, err
	}
	if err := r.validate(); err != nil {
		return nil, err
	}
	res, err := c.connect(ctx, op, r, opts)
	if err != nil {
		return nil, err
	}
	res.setID(orDefault(res.AccountID, id))
	return res, nil
}

func (c *Client) connect(ctx context.Context, op operation, body any, opts []RequestOption) (*ConnectResult, error) {
	res := new(ConnectResult)
	if err := c.send(ctx, op, "", body, res, opts); err != nil {
		return nil, err
	}
	return res, nil
}

// GetAccount reads an account. As long as its authentication is pending, the
// API may hold the request open until it is connected (documented); use
// WaitForConnection to wait for that. Errors match ErrNotFound, ErrUnauthorized, …
func (c *Client) GetAccount(ctx context.Context, id string, opts ...RequestOption) (*Account, error) {
	op, err := opGet.at(id)
	if err != nil {
		return nil, err
	}
	a := new(Account)
	if err := c.send(ctx, op, "", nil, a, opts); err != nil {
		return nil, err
	}
	a.ID = orDefault(a.ID, id)
	return a, nil
}

// ListAccounts reads one page of the accounts of the workspace.
func (c *Client) ListAccounts(ctx context.Context, o ListOptions, opts ...RequestOption) (*AccountPage, error) {
	query, err := o.query()
	if err != nil {
		return nil, err
	}
	page := new(AccountPage)
	if err := c.send(ctx, opList, query, nil, page, opts); err != nil {
		return nil, err
	}
	return page, nil
}

// AllAccounts iterates over all accounts, reading a page when it gets there.
// It yields one error and stops where a page cannot be read, or where the API
// repeats a cursor. o is where to begin; every iteration begins there anew.
func (c *Client) AllAccounts(ctx context.Context, o ListOptions) iter.Seq2[*Account, error] {
	return all(o, func(o ListOptions) ([]*Account, string, error) {
		page, err := c.ListAccounts(ctx, o)
		if err != nil {
			return nil, "", err
		}
		return page.Accounts, page.NextCursor, nil
	})
}

// all iterates over the items of all pages.
func all[T any](start ListOptions, page func(ListOptions) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		o, seen := start, map[string]bool{start.Cursor: true}
		for {
			items, next, err := page(o)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			if seen[next] {
				yield(none, errRepeatedCursor)
				return
			}
			seen[next], o.Cursor = true, next
		}
	}
}

var errRepeatedCursor = errors.New("postpress: the API repeated a cursor of the list, which would never end")

// UpdateAccountRequest changes an account; only the fields that are set are sent.
type UpdateAccountRequest struct {
	// Label is a name of your own for the account.
	Label string `json:"label,omitempty"`
	// Proxy is the proxy the account connects through.
	Proxy *Proxy `json:"proxy,omitempty"`
	// Country (ISO 3166-1 alpha-2) or IP (IPv4) chooses where the API's own proxy is.
	Country string `json:"country,omitempty"`
	IP      string `json:"ip,omitempty"`
}

// UpdateAccount changes the label or the proxy of an account.
func (c *Client) UpdateAccount(ctx context.Context, id string, r UpdateAccountRequest, opts ...RequestOption) error {
	if r == (UpdateAccountRequest{}) {
		return &ArgumentError{"UpdateAccountRequest", "must set at least one field"}
	}
	if err := checkRoute(r.Country, r.IP, r.Proxy); err != nil {
		return err
	}
	op, err := opUpdate.at(id)
	if err != nil {
		return err
	}
	return c.send(ctx, op, "", r, nil, opts)
}

// DeleteAccount unlinks and deletes an account. An account that does not exist
// is ErrNotFound, unless the first of several attempts may have deleted it.
func (c *Client) DeleteAccount(ctx context.Context, id string, opts ...RequestOption) error {
	op, err := opDelete.at(id)
	if err != nil {
		return err
	}
	return c.send(ctx, op, "", nil, nil, opts)
}

// RestartAccount restarts the connection of an account. Where the API answers
// that it failed to, the error matches ErrConnectionFailed.
func (c *Client) RestartAccount(ctx context.Context, id string, opts ...RequestOption) error {
	op, err := opRestart.at(id)
	if err != nil {
		return err
	}
	return c.send(ctx, op, "", nil, restartAnswer{}, opts)
}

type restartAnswer struct{}

func (restartAnswer) decode(body []byte) error {
	var answer struct {
		Object string `json:"object"`
	}
	if err := unmarshal(body, &answer); err != nil {
		return err
	}
	if answer.Object == "AccountFailedToRestart" {
		return &refusal{"the account failed to restart", ErrConnectionFailed}
	}
	return nil
}

// SyncStatus is the state of a resynchronisation: SYNC_STARTED, SYNC_RUNNING,
// CHUNK_DONE, SYNC_DONE or SYNC_ERROR. Unknown ones pass through unchanged.
type SyncStatus string

// The documented states of a resynchronisation.
const (
	SyncStarted   SyncStatus = "SYNC_STARTED"
	SyncRunning   SyncStatus = "SYNC_RUNNING"
	SyncChunkDone SyncStatus = "CHUNK_DONE"
	SyncDone      SyncStatus = "SYNC_DONE"
	SyncError     SyncStatus = "SYNC_ERROR"
)

// ResyncAccount starts, or asks for, a resynchronisation. The API has it for
// LinkedIn and Telegram only; query holds what the provider takes, and may be nil.
func (c *Client) ResyncAccount(ctx context.Context, id string, query url.Values, opts ...RequestOption) (SyncStatus, error) {
	op, err := opResync.at(id)
	if err != nil {
		return "", err
	}
	var answer struct {
		Status SyncStatus `json:"status"`
	}
	err = c.send(ctx, op, query.Encode(), nil, &answer, opts)
	return answer.Status, err
}

type checkpointRequest struct {
	AccountID string   `json:"account_id"`
	Provider  Provider `json:"provider"`
	Code      string   `json:"code,omitempty"`
}

func (r checkpointRequest) validate() error {
	if r.Provider == "" {
		return &ArgumentError{"provider", "must be the provider of the account, such as LINKEDIN"}
	}
	return checkID("accountID", r.AccountID)
}

// SolveCheckpoint sends the code the person received. The API has it for
// LinkedIn, Instagram, Twitter and Messenger. The result may hold a further checkpoint.
func (c *Client) SolveCheckpoint(ctx context.Context, accountID string, p Provider, code string, opts ...RequestOption) (*ConnectResult, error) {
	r := checkpointRequest{accountID, p, code}
	if err := r.validate(); err != nil {
		return nil, err
	}
	if code == "" {
		return nil, &ArgumentError{"code", "must be the code the person received"}
	}
	res, err := c.connect(ctx, opSolve, r, opts)
	if err != nil {
		return nil, err
	}
	res.setID(orDefault(res.AccountID, accountID))
	return res, nil
}

// ResendCheckpoint asks the provider to send the code again. Too soon after
// the last one, the API answers 422.
func (c *Client) ResendCheckpoint(ctx context.Context, accountID string, p Provider, opts ...RequestOption) error {
	r := checkpointRequest{AccountID: accountID, Provider: p}
	if err := r.validate(); err != nil {
		return err
	}
	return c.send(ctx, opResend, "", r, resendAnswer{}, opts)
}

type resendAnswer struct{}

func (resendAnswer) decode(body []byte) error {
	answer := struct {
		Success bool `json:"success"`
	}{Success: true}
	if err := unmarshal(body, &answer); err != nil {
		return err
	}
	if !answer.Success {
		return &refusal{"the code was not sent again", nil}
	}
	return nil
}
