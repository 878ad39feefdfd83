package postpresstest

import (
	"time"

	postpress "github.com/postpress-ai/postpress-go"
)

// wireTime is ISO 8601 in UTC with exactly three decimals.
const wireTime = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string { return t.UTC().Format(wireTime) }

type wireProblem struct {
	Status   int    `json:"status"`
	Type     string `json:"type"`
	Title    string `json:"title"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"`
}

type wireErrorEnvelope struct {
	Error wireError `json:"error"`
}

type wireError struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
}

// wireObject is the answer of every call that says little more than its name.
type wireObject struct {
	Object    string `json:"object"`
	AccountID string `json:"account_id,omitempty"`
	Status    string `json:"status,omitempty"`
	Success   bool   `json:"success,omitempty"`
	URL       string `json:"url,omitempty"`
	WebhookID string `json:"webhook_id,omitempty"`
	QRCode    string `json:"qrcode,omitempty"`
}

type wireCheckpoint struct {
	Object     string `json:"object"`
	AccountID  string `json:"account_id"`
	Checkpoint any    `json:"checkpoint"` // a map, or a string in one of the pairing forms
}

type wireAccount struct {
	Object           string               `json:"object"`
	Type             postpress.Provider   `json:"type"`
	ID               string               `json:"id"`
	Name             string               `json:"name"`
	CreatedAt        string               `json:"created_at"`
	ConnectionParams wireConnectionParams `json:"connection_params"`
	LastFetchedAt    string               `json:"last_fetched_at"`
	Signatures       []struct{}           `json:"signatures"`
	Groups           []string             `json:"groups"`
	Sources          []wireSource         `json:"sources"`
}

type wireConnectionParams struct {
	IM wireIM `json:"im"`
}

type wireIM struct {
	PhoneNumber string `json:"phone_number"`
}

type wireSource struct {
	ID     string           `json:"id"`
	Status postpress.Status `json:"status"`
}

type wireList struct {
	Object string  `json:"object"`
	Items  any     `json:"items"`
	Cursor *string `json:"cursor"`
}

type wireQuickstartList struct {
	Data       any     `json:"data"`
	NextCursor *string `json:"next_cursor"`
}

type wireWebhook struct {
	Object     string               `json:"object"`
	ID         string               `json:"id"`
	Type       string               `json:"type"`
	Name       string               `json:"name"`
	Enabled    bool                 `json:"enabled"`
	RequestURL string               `json:"request_url"`
	Format     string               `json:"format"`
	AccountIDs []wireWebhookAccount `json:"account_ids"`
	Headers    []webhookHeader      `json:"headers"`
	Data       []webhookField       `json:"data"`
	Events     []string             `json:"events"`
}

type wireWebhookAccount struct {
	ID   string             `json:"id"`
	Name string             `json:"name"`
	Type postpress.Provider `json:"type"`
}

type webhookHeader struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type webhookField struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}
