package postpress

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"strings"
	"time"
)

// ConnectRequest starts to link an account. For WhatsApp, all but Provider is optional.
type ConnectRequest struct {
	// Provider is the network of the account. Required.
	Provider Provider
	// PairingPhoneNumber asks WhatsApp for a pairing code instead of a QR
	// code: E.164, digits only, see NormalizePhoneNumber.
	PairingPhoneNumber Secret
	// Country (ISO 3166-1 alpha-2) or IP (IPv4) chooses where the API's own
	// proxy is. Empty leaves it to the API.
	Country, IP string
	// Proxy is a proxy of your own for the account.
	Proxy *Proxy
	// DisabledFeatures are features of the API the account goes without.
	DisabledFeatures []string
	// Extra holds further fields of the request body, for the other providers. The
	// fields above win.
	Extra map[string]any
}

// Proxy is a proxy of your own that an account connects through.
type Proxy struct {
	// Protocol is https, http or socks5.
	Protocol string `json:"protocol"`
	// Host is a name or an address and nothing else.
	Host string `json:"host"`
	// Port is 1–65535.
	Port int `json:"port"`
	// Username and Password are optional.
	Username Secret `json:"username,omitempty"`
	Password Secret `json:"password,omitempty"`
}

// Format implements fmt.Formatter: protocol, host and port.
func (p Proxy) Format(f fmt.State, _ rune) { p.safe().format(f, "Proxy") }

// LogValue implements slog.LogValuer.
func (p Proxy) LogValue() slog.Value { return p.safe().logValue() }

func (p Proxy) safe() fields {
	return fields{slog.String("Protocol", p.Protocol), slog.String("Host", p.Host), slog.Int("Port", p.Port)}
}

// MarshalJSON implements json.Marshaler: the body of the request.
func (r ConnectRequest) MarshalJSON() ([]byte, error) {
	type body struct {
		Provider           Provider `json:"provider"`
		PairingPhoneNumber Secret   `json:"pairing_phone_number,omitempty"`
		Country            string   `json:"country,omitempty"`
		IP                 string   `json:"ip,omitempty"`
		Proxy              *Proxy   `json:"proxy,omitempty"`
		DisabledFeatures   []string `json:"disabled_features,omitempty"`
	}
	known, err := json.Marshal(body{r.Provider, r.PairingPhoneNumber, r.Country, r.IP, r.Proxy, r.DisabledFeatures})
	if err != nil || len(r.Extra) == 0 {
		return known, err
	}
	all := maps.Clone(r.Extra)
	_ = json.Unmarshal(known, &all) // it was written a moment ago
	return json.Marshal(all)
}

// Format implements fmt.Formatter: the provider only, since other fields may be secret.
func (r ConnectRequest) Format(f fmt.State, _ rune) {
	fields{slog.String("Provider", string(r.Provider))}.format(f, "ConnectRequest")
}

// LogValue implements slog.LogValuer.
func (r ConnectRequest) LogValue() slog.Value {
	return fields{slog.String("Provider", string(r.Provider))}.logValue()
}

func (r ConnectRequest) validate() error {
	if r.Provider == "" {
		return &ArgumentError{"Provider", "must be set, to WHATSAPP for instance"}
	}
	if n := string(r.PairingPhoneNumber); n != "" && !isWireNumber(n) {
		return &ArgumentError{"PairingPhoneNumber", "must be 7 to 15 digits and nothing else, the country code first; see NormalizePhoneNumber"}
	}
	return checkRoute(r.Country, r.IP, r.Proxy)
}

// checkRoute checks the fields that say where an account connects from.
func checkRoute(country, ip string, p *Proxy) error {
	if country != "" && !isCountry(country) {
		return &ArgumentError{"Country", "must be two capital letters (ISO 3166-1 alpha-2), such as FR"}
	}
	if addr, _ := netip.ParseAddr(ip); ip != "" && !addr.Is4() {
		return &ArgumentError{"IP", "must be an IPv4 address, such as 203.0.113.7"}
	}
	if p == nil {
		return nil
	}
	switch {
	case p.Protocol != "https" && p.Protocol != "http" && p.Protocol != "socks5":
		return &ArgumentError{"Proxy.Protocol", "must be https, http or socks5"}
	case p.Host == "" || strings.ContainsAny(p.Host, "/@ "):
		return &ArgumentError{"Proxy.Host", "must be a host name or address, without scheme, port or user"}
	case p.Port < 1 || p.Port > 65535:
		return &ArgumentError{"Proxy.Port", "must be 1 to 65535"}
	}
	return nil
}

func isCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

// ConnectResult is the answer to a start: what to do next, or nothing.
type ConnectResult struct {
	// AccountID is the account being linked.
	AccountID string
	// Checkpoint is what the person has to do; nil where the account is linked.
	Checkpoint *Checkpoint
	// Raw is the JSON of the answer. Treat it as secret and read-only.
	Raw json.RawMessage
}

// Format implements fmt.Formatter, without what is secret.
func (r ConnectResult) Format(f fmt.State, _ rune) { r.safe().format(f, "ConnectResult") }

// LogValue implements slog.LogValuer.
func (r ConnectResult) LogValue() slog.Value { return r.safe().logValue() }

func (r ConnectResult) safe() fields {
	fs := fields{slog.String("AccountID", r.AccountID)}
	if r.Checkpoint != nil {
		fs = append(fs, slog.String("Checkpoint", string(r.Checkpoint.Type)))
	}
	return fs
}

// decode reads every documented form of an answer to a start: AccountCreated
// and AccountReconnected without a checkpoint, Checkpoint with one, and the older
// QrCode. Only one of the first two says that nothing is left to do. The id
// that r has already stands in where the answer has none.
func (r *ConnectResult) decode(body []byte) error {
	var w struct {
		Object     string `json:"object"`
		AccountID  string `json:"account_id"`
		Checkpoint span   `json:"checkpoint"`
	}
	if err := unmarshal(body, &w); err != nil {
		return err
	}
	id := w.AccountID
	if id == "" {
		id = orDefault(looseID(body), r.AccountID)
	}
	if id == "" {
		return errNoAccountID
	}
	*r = ConnectResult{AccountID: id, Raw: body}
	linked := w.Object == "" || w.Object == "AccountCreated" || w.Object == "AccountReconnected"
	found := w.Checkpoint
	inside := len(found) > 0 && string(found) != "null"
	if !inside {
		found = body
	}
	cp := parseCheckpoint(found, time.Now())
	cp.AccountID = id
	if inside || !linked || cp.QRCode != "" || cp.PairingCode != "" {
		r.Checkpoint = cp
	}
	return nil
}

var errNoAccountID = errors.New("the answer names no account")
