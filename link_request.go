package postpress

import (
	"fmt"
	"log/slog"
)

// LinkRequest says what to link. The zero value links a new account by QR code.
// It prints without what is secret.
type LinkRequest struct {
	// PhoneNumber asks for a pairing code for this number instead of a QR code;
	// see NormalizePhoneNumber for what is accepted.
	PhoneNumber Secret
	// AccountID links this account again instead of a new one.
	AccountID string
	// ExpectPhoneNumber makes an attempt that ends with another number fail with
	// ErrWrongAccount; the account that was linked is left as it is. The ways in
	// which one number of Argentina, Mexico or Brazil is written are the same
	// number. Empty, any number will do.
	ExpectPhoneNumber Secret
	// Proxy and Country are as in ConnectRequest.
	Proxy   *Proxy
	Country string
}

// Format implements fmt.Formatter, without what is secret.
func (r LinkRequest) Format(f fmt.State, _ rune) { r.safe().format(f, "LinkRequest") }

// LogValue implements slog.LogValuer, without what is secret.
func (r LinkRequest) LogValue() slog.Value { return r.safe().logValue() }

func (r LinkRequest) safe() fields {
	return fields{
		slog.String("AccountID", r.AccountID), slog.Bool("Pairing", r.PhoneNumber != ""),
		slog.Bool("Expects", r.ExpectPhoneNumber != ""), slog.String("Country", r.Country),
	}
}

// normalize checks a request, and brings its numbers into the form of the wire.
func (r LinkRequest) normalize() (LinkRequest, error) {
	for _, number := range []*Secret{&r.PhoneNumber, &r.ExpectPhoneNumber} {
		if *number == "" {
			continue
		}
		digits, err := NormalizePhoneNumber(string(*number))
		if err != nil {
			return r, err
		}
		*number = Secret(digits)
	}
	if r.AccountID != "" {
		if err := checkID("AccountID", r.AccountID); err != nil {
			return r, err
		}
	}
	if r.Proxy != nil {
		p := *r.Proxy // the caller may change his later
		r.Proxy = &p
	}
	return r, checkRoute(r.Country, "", r.Proxy)
}

func (r LinkRequest) connectRequest() ConnectRequest {
	return ConnectRequest{Provider: ProviderWhatsApp, PairingPhoneNumber: r.PhoneNumber, Country: r.Country, Proxy: r.Proxy}
}

func (r LinkRequest) want() want { return want(r.PhoneNumber == "") }

// same tells whether two normalized requests ask for the same.
func (r LinkRequest) same(o LinkRequest) bool {
	if r.Proxy != nil && o.Proxy != nil && *r.Proxy == *o.Proxy {
		r.Proxy, o.Proxy = nil, nil
	}
	return r == o
}
