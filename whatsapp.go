package postpress

import (
	"context"
	"fmt"
	"log/slog"
)

// StartWhatsAppQR starts to link a WhatsApp account with a QR code. Show
// Checkpoint.QRCode as a picture (package qr), then wait with
// WaitForConnection(ctx, checkpoint.AccountID). The picture works for about a
// minute, the attempt for five.
//
// An answer that is no QR code is a *StartError, which has the account id and
// the checkpoint.
func (c *Client) StartWhatsAppQR(ctx context.Context, opts ...RequestOption) (*Checkpoint, error) {
	res, err := c.ConnectAccount(ctx, ConnectRequest{Provider: ProviderWhatsApp}, opts...)
	return challenge(res, err, wantQR)
}

// StartWhatsAppPairing starts to link the WhatsApp account of a phone number
// with a pairing code: show Checkpoint.PairingCode and where to type it
// (WhatsApp → Settings → Linked devices → Link a device → Link with phone
// number instead; the notification on the phone is not reliable). The code
// works for under three minutes.
//
// The number is normalized first; one that cannot be is a *PhoneNumberError.
// An answer that is no pairing code is a *StartError.
func (c *Client) StartWhatsAppPairing(ctx context.Context, phoneNumber string, opts ...RequestOption) (*Checkpoint, error) {
	number, err := NormalizePhoneNumber(phoneNumber)
	if err != nil {
		return nil, err
	}
	res, err := c.ConnectAccount(ctx, ConnectRequest{Provider: ProviderWhatsApp, PairingPhoneNumber: Secret(number)}, opts...)
	return challenge(res, err, wantPairingCode)
}

// ReconnectWhatsAppQR is StartWhatsAppQR for an account that exists but has to
// be linked again. Wait with WithReconnect. Where the API answers that the account
// is reconnected already, the error matches ErrAlreadyConnected.
func (c *Client) ReconnectWhatsAppQR(ctx context.Context, accountID string, opts ...RequestOption) (*Checkpoint, error) {
	res, err := c.ReconnectAccount(ctx, accountID, ConnectRequest{Provider: ProviderWhatsApp}, opts...)
	return challenge(res, err, wantQR)
}

// ReconnectWhatsAppPairing is StartWhatsAppPairing for an account that exists
// but has to be linked again, like ReconnectWhatsAppQR.
func (c *Client) ReconnectWhatsAppPairing(ctx context.Context, accountID, phoneNumber string, opts ...RequestOption) (*Checkpoint, error) {
	number, err := NormalizePhoneNumber(phoneNumber)
	if err != nil {
		return nil, err
	}
	res, err := c.ReconnectAccount(ctx, accountID, ConnectRequest{Provider: ProviderWhatsApp, PairingPhoneNumber: Secret(number)}, opts...)
	return challenge(res, err, wantPairingCode)
}

// StartError is a start that was answered, but not with the challenge asked
// for. It matches ErrUnsupportedCheckpoint or ErrAlreadyConnected. The
// account exists: delete it, or solve the checkpoint in another way.
type StartError struct {
	// AccountID is the account the API has created or reconnected.
	AccountID string
	// Checkpoint is what the API asks for, with its raw JSON; nil where it asks for nothing.
	Checkpoint *Checkpoint
	// Err is ErrUnsupportedCheckpoint or ErrAlreadyConnected.
	Err error
}

// Error implements error.
func (e *StartError) Error() string {
	if e.Checkpoint == nil {
		return fmt.Sprintf("%v (account %s)", e.Err, oneLine(e.AccountID))
	}
	return fmt.Sprintf("%v: the API asks for %q (account %s)", e.Err, shorten(oneLine(string(e.Checkpoint.Type))), oneLine(e.AccountID))
}

// LogValue implements slog.LogValuer: the text of Error.
func (e StartError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Unwrap gives the sentinel.
func (e *StartError) Unwrap() error { return e.Err }

type want bool

const (
	wantQR          want = true
	wantPairingCode want = false
)

// challenge gives the checkpoint that was asked for, or says what came instead.
func challenge(res *ConnectResult, err error, want want) (*Checkpoint, error) {
	if err != nil {
		return nil, err
	}
	cp := res.Checkpoint
	switch {
	case cp == nil:
		return nil, &StartError{AccountID: res.AccountID, Err: ErrAlreadyConnected}
	case want == wantQR && cp.QRCode == "", want == wantPairingCode && cp.PairingCode == "":
		return nil, &StartError{AccountID: res.AccountID, Checkpoint: cp, Err: ErrUnsupportedCheckpoint}
	}
	return cp, nil
}
