package postpress

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"time"
)

// ConnectRequest starts to link an account. For WhatsApp, all but Provider is optional.
type ConnectRequest struct {
	// Provider is the network of the account. Required.
	Provider Provider
	// PairingPhoneNumber asks WhatsApp for a pairing code instead of a QR
	// code: E.164, digits only, see NormalizePhoneNumber.
	PairingPhoneNumber Secret
	// Country (ISO 3166-1 alpha-2) or IP (IPv4) chooses where the API's own proxy is.
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
	Host     string `json:"host"`
	// Port is 1–65535.
	Port     int    `json:"port"`
	Username Secret `json:"username,omitempty"`
	Password Secret `json:"password,omitempty"`
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
	if err := json.Unmarshal(known, &all); err != nil {
		return nil, err
	}
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
	if ip != "" {
		if parsed := net.ParseIP(ip); parsed == nil || parsed.To4() == nil {
			return &ArgumentError{"IP", "must be an IPv4 address"}
		}
	}
	if p == nil {
		return nil
	}
	switch {
	case p.Protocol != "https" && p.Protocol != "http" && p.Protocol != "socks5":
		return &ArgumentError{"Proxy.Protocol", "must be https, http or socks5"}
	case p.Host == "":
		return &ArgumentError{"Proxy.Host", "must not be empty"}
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

func (r *ConnectResult) setID(id string) {
	r.AccountID = id
	if r.Checkpoint != nil {
		r.Checkpoint.AccountID = id
	}
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
// and AccountReconnected without a checkpoint, Checkpoint with one, and the older QrCode.
func (r *ConnectResult) decode(body []byte) error {
	var w struct {
		Object     string          `json:"object"`
		Checkpoint json.RawMessage `json:"checkpoint"`
		QRCode     string          `json:"qrcode"`
	}
	if err := unmarshal(body, &w); err != nil {
		return err
	}
	*r = ConnectResult{Raw: body}
	switch {
	case len(w.Checkpoint) > 0 && string(w.Checkpoint) != "null":
		r.Checkpoint = parseCheckpoint(w.Checkpoint, time.Now())
	case w.QRCode != "" || w.Object == "QrCode" || w.Object == "Checkpoint":
		r.Checkpoint = parseCheckpoint(body, time.Now())
	}
	r.setID(looseID(body))
	return nil
}
