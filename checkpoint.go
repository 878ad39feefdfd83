package postpress

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// CheckpointType says what a checkpoint asks for. Values that this version
// does not know pass through unchanged.
type CheckpointType string

// The checkpoint types.
const (
	CheckpointQRCode          CheckpointType = "QRCODE"            // scan a QR code
	CheckpointPairingCode     CheckpointType = "PAIRING_CODE"      // type a code into the phone; the name is ours, the API does not document one
	Checkpoint2FA             CheckpointType = "2FA"               // type the code that Source tells
	CheckpointOTP             CheckpointType = "OTP"               // type a one-time password
	CheckpointPhoneRegister   CheckpointType = "PHONE_REGISTER"    // register a phone number
	CheckpointInAppValidation CheckpointType = "IN_APP_VALIDATION" // confirm in the provider's app
	CheckpointCaptcha         CheckpointType = "CAPTCHA"           // solve a captcha: PublicKey and Data
	CheckpointContractChooser CheckpointType = "CONTRACT_CHOOSER"  // choose one of ContractOptions
)

// How long WhatsApp accepts a challenge. These are observations of WhatsApp;
// the API documents only that an attempt lasts five minutes.
const (
	qrLifetime      = 60 * time.Second
	pairingLifetime = 160 * time.Second
)

// Checkpoint is a challenge for the person whose account is being linked. It
// prints without its secrets.
type Checkpoint struct {
	// AccountID is the account being linked: what WaitForConnection takes.
	AccountID string
	// Type is what the checkpoint asks for.
	Type CheckpointType
	// QRCode is the text to turn into a picture; see package qr. Whoever reads
	// it can link the account to a server of his own.
	QRCode Secret
	// PairingCode is what the person types into WhatsApp (Settings → Linked
	// devices → Link a device → Link with phone number instead), as XXXX-XXXX.
	PairingCode Secret
	// Source of a 2FA code: SMS or APP.
	Source string
	// PublicKey and Data belong to a captcha.
	PublicKey, Data string
	// ContractOptions are what CONTRACT_CHOOSER offers.
	ContractOptions []ContractOption
	// IssuedAt is when this process received the challenge.
	IssuedAt time.Time
	// ExpiresAt is our estimate of when WhatsApp stops accepting the challenge:
	// 60 s after IssuedAt for a QR code, 160 s for a pairing code. The API does
	// not tell, the phone may be sooner or later. Zero for other types.
	ExpiresAt time.Time
	// Raw is the JSON of the checkpoint. Treat it as secret and read-only.
	Raw json.RawMessage
}

// ContractOption is one choice of a CONTRACT_CHOOSER.
type ContractOption struct {
	ID   string // what identifies the choice to the API
	Name string // what to show
}

// Format implements fmt.Formatter: account and type, whatever the verb.
func (cp Checkpoint) Format(f fmt.State, _ rune) { cp.safe().format(f, "Checkpoint") }

// LogValue implements slog.LogValuer.
func (cp Checkpoint) LogValue() slog.Value { return cp.safe().logValue() }

func (cp Checkpoint) safe() fields {
	return fields{slog.String("AccountID", cp.AccountID), slog.String("Type", string(cp.Type))}
}

// parseCheckpoint reads a checkpoint in any form seen: an object, the older
// QrCode object, or a bare string. What it cannot read is in Raw.
func parseCheckpoint(raw []byte, now time.Time) *Checkpoint {
	cp := &Checkpoint{Raw: raw, IssuedAt: now}
	if bare := text(raw); bare != "" {
		cp.readBare(bare)
		return cp
	}
	var w struct {
		Type            CheckpointType `json:"type"`
		QRCode          looseText      `json:"qrcode"`
		Code            looseText      `json:"code"`
		PairingCode     looseText      `json:"pairing_code"`
		PairingCamel    looseText      `json:"pairingCode"`
		Source          string         `json:"source"`
		PublicKey       string         `json:"public_key"`
		Data            looseText      `json:"data"`
		ContractOptions []span         `json:"contract_options"`
	}
	_ = unmarshal(raw, &w)
	cp.Type, cp.Source, cp.PublicKey, cp.Data = w.Type, w.Source, w.PublicKey, string(w.Data)
	for _, o := range w.ContractOptions {
		var option struct{ ID, Name looseText }
		_ = unmarshal(o, &option)
		cp.ContractOptions = append(cp.ContractOptions, ContractOption{string(option.ID), string(option.Name)})
	}
	cp.readChallenge(string(w.QRCode), string(orDefault(w.PairingCode, w.PairingCamel)), string(w.Code))
	return cp
}

// readChallenge sorts out which challenge it is. The field of a pairing code is not
// documented, nor its type, so the shape of the text decides where the names do not.
func (cp *Checkpoint) readChallenge(qrcode, pairingCode, code string) {
	kind := strings.ToUpper(string(cp.Type))
	pairs, untold := strings.Contains(kind, "PAIR"), kind == "" || strings.HasSuffix(kind, "CODE")
	switch {
	case pairingCode != "":
		cp.pair(pairingCode)
	case code != "" && pairs:
		cp.pair(code)
	case qrcode != "" && (pairs || isPairingCode(qrcode)):
		cp.pair(qrcode)
	case qrcode != "" && (kind == "" || strings.Contains(kind, "QR")):
		cp.show(qrcode)
	case isPairingCode(code) && untold:
		cp.pair(code)
	}
}

// readBare takes a string that stands where an object should: a pairing code,
// the name of a type, or else the text of a QR code.
func (cp *Checkpoint) readBare(s string) {
	switch {
	case isPairingCode(s):
		cp.pair(s)
	case len(s) <= 32 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "":
		cp.Type = CheckpointType(s)
	default:
		cp.show(s)
	}
}

func (cp *Checkpoint) show(qrcode string) {
	cp.Type, cp.QRCode, cp.ExpiresAt = CheckpointQRCode, Secret(qrcode), cp.IssuedAt.Add(qrLifetime)
}

func (cp *Checkpoint) pair(code string) {
	cp.PairingCode, cp.ExpiresAt = Secret(displayCode(code)), cp.IssuedAt.Add(pairingLifetime)
	if cp.Type == "" || cp.Type == CheckpointQRCode {
		cp.Type = CheckpointPairingCode
	}
}

var dashless = strings.NewReplacer("-", "", " ", "")

// isPairingCode knows a pairing code by its form: eight letters and digits,
// with or without a dash. A QR text has more than two hundred characters.
func isPairingCode(s string) bool {
	s = dashless.Replace(s)
	return len(s) == 8 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// displayCode writes a pairing code as WhatsApp shows it.
func displayCode(s string) string {
	if !isPairingCode(s) {
		return s
	}
	s = strings.ToUpper(dashless.Replace(s))
	return s[:4] + "-" + s[4:]
}
