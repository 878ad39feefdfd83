package postpress

import (
	"context"
	"iter"
	"log/slog"
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
	return c.connect(ctx, opConnect, "", r, opts)
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
	return c.connect(ctx, op, id, r, opts)
}

// connect is a start of any kind; id is the account, where it is known already.
func (c *Client) connect(ctx context.Context, op operation, id string, body any, opts []RequestOption) (*ConnectResult, error) {
	res := &ConnectResult{AccountID: id}
	if err := c.send(ctx, op, "", body, res, opts); err != nil {
		return nil, err
	}
	return res, nil
}

// GetAccount reads an account. As long as its authentication is pending, the
// API may hold the request open until it is connected (documented by the API),
// so bound ctx where you want an answer now, and use WaitForConnection to wait.
// An account that does not exist is ErrNotFound.
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

// ListAccounts reads one page of the accounts of the workspace, in whichever
// of the two documented forms the API sends it.
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
// repeats a cursor. o is where to begin; every iteration begins there anew. To
// resume after an error, keep the cursors of ListAccounts instead.
func (c *Client) AllAccounts(ctx context.Context, o ListOptions) iter.Seq2[*Account, error] {
	return all(o, func(o ListOptions) ([]*Account, string, error) {
		page, err := c.ListAccounts(ctx, o)
		if err != nil {
			return nil, "", err
		}
		return page.Accounts, page.NextCursor, nil
	})
}

// UpdateAccountRequest changes an account; only the fields that are set are sent.
type UpdateAccountRequest struct {
	// Label is a name of your own for the account.
	Label string `json:"label,omitempty"`
	// Proxy is the proxy the account connects through.
	Proxy *Proxy `json:"proxy,omitempty"`
	// Country (ISO 3166-1 alpha-2) chooses where the API's own proxy is.
	Country string `json:"country,omitempty"`
	// IP (IPv4) chooses it by an address near which it should be.
	IP string `json:"ip,omitempty"`
}

// LogValue implements slog.LogValuer, without what is secret.
func (r UpdateAccountRequest) LogValue() slog.Value {
	return fields{slog.String("Country", r.Country), slog.String("IP", r.IP), slog.Any("Proxy", r.Proxy)}.logValue()
}

// UpdateAccount changes the label or the proxy of an account. A request that
// sets nothing is refused with an *ArgumentError.
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
	return c.send(ctx, op, "", r, ack{}, opts)
}

// DeleteAccount unlinks and deletes an account. An account that does not exist
// is ErrNotFound, unless the first of several attempts may have deleted it.
func (c *Client) DeleteAccount(ctx context.Context, id string, opts ...RequestOption) error {
	op, err := opDelete.at(id)
	if err != nil {
		return err
	}
	return c.send(ctx, op, "", nil, ack{}, opts)
}

// RestartAccount restarts the connection of an account. Where the API answers
// that it failed to, the error matches ErrConnectionFailed.
func (c *Client) RestartAccount(ctx context.Context, id string, opts ...RequestOption) error {
	op, err := opRestart.at(id)
	if err != nil {
		return err
	}
	return c.send(ctx, op, "", nil, ack{}, opts)
}

// SyncStatus is the state of a resynchronisation: SYNC_STARTED, SYNC_RUNNING,
// CHUNK_DONE, SYNC_DONE or SYNC_ERROR. Unknown ones pass through unchanged.
type SyncStatus string

// The documented states of a resynchronisation.
const (
	SyncStarted   SyncStatus = "SYNC_STARTED" // it has begun
	SyncRunning   SyncStatus = "SYNC_RUNNING" // it had begun before
	SyncChunkDone SyncStatus = "CHUNK_DONE"   // a part is done
	SyncDone      SyncStatus = "SYNC_DONE"    // all is done
	SyncError     SyncStatus = "SYNC_ERROR"   // it failed
)

// ResyncAccount starts, or asks for, a resynchronisation and returns its state;
// SYNC_ERROR is a state, not an error. The API has it for LinkedIn and Telegram
// only; query holds what the provider takes, and may be nil.
func (c *Client) ResyncAccount(ctx context.Context, id string, query url.Values, opts ...RequestOption) (SyncStatus, error) {
	op, err := opResync.at(id)
	if err != nil {
		return "", err
	}
	var answer syncAnswer
	err = c.send(ctx, op, query.Encode(), nil, &answer, opts)
	return answer.Status, err
}

type syncAnswer struct {
	Status SyncStatus `json:"status"`
}

func (a *syncAnswer) decode(body []byte) error { return unmarshal(body, a) }

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
	return c.connect(ctx, opSolve, accountID, r, opts)
}

// ResendCheckpoint asks the provider to send the code again. Too soon after
// the last one, the API answers 422.
func (c *Client) ResendCheckpoint(ctx context.Context, accountID string, p Provider, opts ...RequestOption) error {
	r := checkpointRequest{AccountID: accountID, Provider: p}
	if err := r.validate(); err != nil {
		return err
	}
	return c.send(ctx, opResend, "", r, ack{}, opts)
}

// ack reads an answer that says no more than yes or no. Only a page is no
// answer of the API; no body at all is a yes.
type ack struct{}

func (ack) decode(body []byte) error {
	if isPage(body) {
		return errNotJSON
	}
	answer := struct {
		Object  string `json:"object"`
		Success bool   `json:"success"`
	}{Success: true}
	_ = unmarshal(body, &answer)
	switch {
	case answer.Object == "AccountFailedToRestart":
		return &refusal{"the account failed to restart", ErrConnectionFailed}
	case !answer.Success:
		return &refusal{title: "the API answers that it did not succeed"}
	}
	return nil
}
