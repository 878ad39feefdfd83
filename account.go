package postpress

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Provider names the messaging, mail or social network of an account, as the
// API spells it. Values that this version does not know pass through unchanged.
type Provider string

// The providers documented by the API.
const (
	ProviderWhatsApp       Provider = "WHATSAPP"
	ProviderInstagram      Provider = "INSTAGRAM"
	ProviderMessenger      Provider = "MESSENGER"
	ProviderTelegram       Provider = "TELEGRAM"
	ProviderTwitter        Provider = "TWITTER"
	ProviderLinkedIn       Provider = "LINKEDIN"
	ProviderSlack          Provider = "SLACK"
	ProviderMobile         Provider = "MOBILE"
	ProviderMail           Provider = "MAIL"
	ProviderGoogle         Provider = "GOOGLE"
	ProviderGoogleOAuth    Provider = "GOOGLE_OAUTH"
	ProviderGoogleCalendar Provider = "GOOGLE_CALENDAR"
	ProviderICloud         Provider = "ICLOUD"
	ProviderOutlook        Provider = "OUTLOOK"
	ProviderExchange       Provider = "EXCHANGE"
)

// Account is a connected account, or one about to be, as the API describes
// it. Fields the API leaves out, or sends in another form than documented, are
// zero; Raw has them all. Printing an Account shows its id, provider and status only.
type Account struct {
	// ID addresses the account in every call.
	ID string `json:"id"`
	// Name is the API's display name; for WhatsApp it may be a phone number.
	Name string `json:"name"`
	// Provider is the account's network.
	Provider Provider `json:"type"`
	// CreatedAt is when the account was created, in UTC.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// ConnectionParams says what the account is connected to.
	ConnectionParams ConnectionParams `json:"connection_params"`
	// LastFetchedAt is when the API last fetched from the provider, in UTC.
	LastFetchedAt time.Time `json:"last_fetched_at,omitzero"`
	// CurrentSignature is the title of the signature in use; mail only.
	CurrentSignature string `json:"current_signature,omitempty"`
	// Signatures are the mail signatures.
	Signatures []Signature `json:"signatures,omitzero"`
	// Groups are the groups the account belongs to.
	Groups []string `json:"groups,omitzero"`
	// Sources are the services of the account, each with its own status. A
	// WhatsApp account has one.
	Sources []Source `json:"sources"`
	// Raw is the JSON this account was read from. Treat it as read-only.
	Raw json.RawMessage `json:"-"`
}

// ConnectionParams says what an account is connected to. Providers add fields
// of their own, found in Account.Raw.
type ConnectionParams struct {
	// IM describes an instant messaging account such as a WhatsApp account.
	IM IMParams `json:"im"`
}

// IMParams describes the connection of an instant messaging account.
type IMParams struct {
	// PhoneNumber is in E.164 form, digits only.
	PhoneNumber Secret `json:"phone_number,omitempty"`
}

// Format implements fmt.Formatter, without what is secret.
func (p ConnectionParams) Format(f fmt.State, _ rune) { p.IM.safe().format(f, "ConnectionParams") }

// LogValue implements slog.LogValuer, without what is secret.
func (p ConnectionParams) LogValue() slog.Value { return p.IM.LogValue() }

// Format implements fmt.Formatter, without what is secret.
func (p IMParams) Format(f fmt.State, _ rune) { p.safe().format(f, "IMParams") }

// LogValue implements slog.LogValuer, without what is secret.
func (p IMParams) LogValue() slog.Value { return p.safe().logValue() }

func (p IMParams) safe() fields {
	return fields{slog.Bool("HasPhoneNumber", p.PhoneNumber != "")}
}

// Signature is a mail signature.
type Signature struct {
	// Title names the signature.
	Title string `json:"title"`
	// Content is its text, as the API gives it.
	Content string `json:"content"`
}

// Source is one service of an account.
type Source struct {
	// ID names the service within the account.
	ID string `json:"id"`
	// Status is the state of this service; Account.Status is that of all.
	Status Status `json:"status"`
}

// Status is the worst status among the sources. From the worst, the order is
// DELETED, CREATION_FAIL, CREDENTIALS, PERMISSIONS, ERROR, STOPPED,
// CONNECTING, any status this version does not know, and those of a running
// account (see Status.Connected). It is empty for an account without sources:
// the API has not said.
func (a *Account) Status() Status {
	var worst Status
	for i, s := range a.Sources {
		if i == 0 || s.Status.severity() > worst.severity() {
			worst = s.Status
		}
	}
	return worst
}

// Connected tells whether every source of the account is running. An account
// without sources is not known to be connected.
func (a *Account) Connected() bool { return a.Status().Connected() }

// PhoneNumber is the phone number of a WhatsApp account in E.164 form, digits
// only; empty for others and as long as it is not known.
func (a *Account) PhoneNumber() string { return string(a.ConnectionParams.IM.PhoneNumber) }

// UnmarshalJSON implements json.Unmarshaler, as tolerant as the client is. It fails
// only where data is not a JSON object; as usual, null changes nothing.
func (a *Account) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	return a.decode(append([]byte(nil), data...))
}

// decode reads and keeps data.
func (a *Account) decode(data []byte) error {
	*a = Account{Raw: data}
	type plain Account // without its methods
	wire := struct {
		*plain
		// Shadowed, so that a date that does not parse does no harm.
		CreatedAt     readTime `json:"created_at"`
		LastFetchedAt readTime `json:"last_fetched_at"`
	}{plain: (*plain)(a)}
	if err := unmarshal(data, &wire); err != nil {
		return err
	}
	a.CreatedAt, a.LastFetchedAt = wire.CreatedAt.Time, wire.LastFetchedAt.Time
	if a.ID == "" {
		a.ID = looseID(data)
	}
	return nil
}

// looseID finds the id of an account in an answer that does not have it where, or as, documented.
func looseID(data []byte) string {
	var ids struct {
		ID        looseText `json:"id"`
		AccountID looseText `json:"account_id"`
	}
	_ = unmarshal(data, &ids)
	return string(orDefault(ids.AccountID, ids.ID))
}

func (a Account) safe() fields {
	return fields{
		slog.String("ID", a.ID), slog.String("Provider", string(a.Provider)), slog.String("Status", string(a.Status())),
	}
}

// Format implements fmt.Formatter: id, provider and status, whatever the verb.
func (a Account) Format(f fmt.State, _ rune) { a.safe().format(f, "Account") }

// LogValue implements slog.LogValuer.
func (a Account) LogValue() slog.Value { return a.safe().logValue() }

// AccountPage is one page of a list of accounts.
type AccountPage struct {
	// Accounts are in the order of the API.
	Accounts []*Account
	// NextCursor gets the next page; empty on the last one.
	NextCursor string
	// Paging is nil where the API does not send it, which is common.
	Paging *Paging
	// Raw is the JSON the page was read from. Treat it as read-only.
	Raw json.RawMessage
}

// Paging are numbers that the API sends with some lists.
type Paging struct {
	// Start is the position of the first item of the page in the whole list.
	Start int `json:"start"`
	// PageCount is the number of items in the page.
	PageCount int `json:"page_count"`
	// TotalCount is the number of items of the whole list.
	TotalCount int `json:"total_count"`
}

// Format implements fmt.Formatter: how many accounts, and whether more follow.
func (p AccountPage) Format(f fmt.State, _ rune) { p.safe().format(f, "AccountPage") }

// LogValue implements slog.LogValuer.
func (p AccountPage) LogValue() slog.Value { return p.safe().logValue() }

func (p AccountPage) safe() fields {
	return fields{slog.Int("Accounts", len(p.Accounts)), slog.Bool("More", p.NextCursor != "")}
}

func (p *AccountPage) decode(body []byte) error {
	items, next, err := decodeList[*Account](body)
	if err != nil {
		return err
	}
	var more struct {
		Paging *Paging `json:"paging"`
	}
	_ = unmarshal(body, &more)
	*p = AccountPage{Accounts: items, NextCursor: next, Paging: more.Paging, Raw: body}
	return nil
}
