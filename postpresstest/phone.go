package postpresstest

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	postpress "github.com/postpress-ai/postpress-go"
)

// e164 is a phone number as the API wants it: digits only.
var e164 = regexp.MustCompile(`^[1-9][0-9]{6,14}$`)

// Scan plays a phone that scans the QR code of an account that is valid now,
// whichever that is, even if the program under test still shows an older one (see
// [Server.ScanQR]). The account becomes CONNECTING and then OK; a new one has a
// phone number of its own. The error is [ErrUnknownAccount], [ErrNoIntent] or
// [ErrWrongMethod].
func (s *Server) Scan(id string) error {
	return s.accounts.scan(id, byQRCode, "", "")
}

// ScanAs is [Server.Scan] with a phone of the given number, digits only; the error is
// also [ErrInvalid].
func (s *Server) ScanAs(id, phone string) error {
	if !e164.MatchString(phone) {
		return fmt.Errorf("%w: phone number %q", ErrInvalid, phone)
	}
	return s.accounts.scan(id, byQRCode, "", phone)
}

// ScanQR plays a phone that scans exactly this text off a screen, of whichever
// account it is. A text that has rotated away is refused with [ErrWrongCode], where a
// real phone would fail in silence.
func (s *Server) ScanQR(text string) error {
	id, ok := s.accounts.withQRCode(text)
	if !ok {
		return fmt.Errorf("%w: no account shows this QR code", ErrWrongCode)
	}
	return s.accounts.scan(id, byQRCode, text, "")
}

// EnterPairingCode plays a user who types a pairing code into the phone, with or
// without the dash, in either case. The error is [ErrUnknownAccount], [ErrNoIntent],
// [ErrWrongMethod], or [ErrWrongCode] for a code that is wrong or older than 160 s.
func (s *Server) EnterPairingCode(id, code string) error {
	code = strings.ToUpper(strings.ReplaceAll(code, "-", ""))
	if len(code) != 8 {
		code = "." // no code at all: never the empty text, which stands for any
	} else {
		code = code[:4] + "-" + code[4:]
	}
	return s.accounts.scan(id, byPairingCode, code, "")
}

// QRCode returns the QR text of an account that a phone could scan now. It rotates,
// so the text last answered may be an older one. Errors are those of [Server.Scan].
func (s *Server) QRCode(id string) (string, error) { return s.accounts.currentCode(id, byQRCode) }

// PairingCode returns the pairing code that can be entered now, as XXXX-XXXX. Errors
// are those of [Server.EnterPairingCode].
func (s *Server) PairingCode(id string) (string, error) {
	return s.accounts.currentCode(id, byPairingCode)
}

// CheckpointCode returns the code that solves the checkpoint of an account which is
// linked neither by QR nor by pairing code. Errors are those of [Server.Scan].
func (s *Server) CheckpointCode(id string) (string, error) {
	return s.accounts.currentCode(id, byCheckpointCode)
}

// Expire ends the live intent of an account as if its five minutes had passed. The
// error is [ErrUnknownAccount] or [ErrNoIntent].
func (s *Server) Expire(id string) error { return s.accounts.expire(id) }

// waiting finds an account whose intent is live and not scanned yet.
func (st *store) waiting(id string, now time.Time) (*account, error) {
	a := st.find(id, now)
	switch {
	case a == nil:
		return nil, fmt.Errorf("%w: %s", ErrUnknownAccount, id)
	case a.intent == nil:
		return nil, fmt.Errorf("%w: %s is not being linked", ErrNoIntent, id)
	case a.intent.ended != nil:
		return nil, fmt.Errorf("%w: that of %s has ended", ErrNoIntent, id)
	case a.intent.scanned:
		return nil, fmt.Errorf("%w: %s has been scanned already", ErrNoIntent, id)
	}
	st.rotate(a.intent, now)
	return a, nil
}

// usable finds an account that waits for a code in the given way, and that its
// code is valid and, unless it is "", the one given.
func (st *store) usable(id string, m method, text string, now time.Time) (*account, error) {
	a, err := st.waiting(id, now)
	switch {
	case err != nil:
		return nil, err
	case a.intent.method != m:
		return nil, fmt.Errorf("%w: %s is linked %v, not %v", ErrWrongMethod, id, a.intent.method, m)
	case !a.intent.code.valid(now):
		return nil, fmt.Errorf("%w: that of %s has expired", ErrWrongCode, id)
	case text != "" && text != a.intent.code.text:
		return nil, fmt.Errorf("%w: it is not that of %s", ErrWrongCode, id)
	}
	return a, nil
}

func (st *store) scan(id string, m method, text, phone string) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	a, err := st.usable(id, m, text, now)
	if err != nil {
		return err
	}
	if phone != "" {
		a.intent.phone = phone
	}
	st.scanned(a, now)
	return nil
}

// scanned is the moment at which the phone has accepted.
func (st *store) scanned(a *account, now time.Time) {
	in := a.intent
	in.stopTimers()
	in.scanned, in.connectAt = true, now.Add(st.cfg.connectDelay)
	a.status = postpress.StatusConnecting
	st.record(a, postpress.StatusConnecting, now)
	if st.cfg.connectDelay > 0 {
		in.stops = append(in.stops, st.timers.after(st.cfg.connectDelay, func() { st.touch(a.id) }))
	}
	st.settle(a, now)
}

func (st *store) autoScan(a *account, in *intent) {
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	if _, err := st.usable(a.id, in.method, "", now); err == nil && a.intent == in {
		st.scanned(a, now)
	}
}

func (st *store) withQRCode(text string) (string, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	for id := range st.byID {
		if _, err := st.usable(id, byQRCode, text, now); err == nil && text != "" {
			return id, true
		}
	}
	return "", false
}

func (st *store) currentCode(id string, m method) (string, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	a, err := st.usable(id, m, "", time.Now())
	if err != nil {
		return "", err
	}
	return a.intent.code.text, nil
}

func (st *store) expire(id string) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	a, err := st.waiting(id, now)
	if err == nil {
		st.endIntent(a, timedOut(), now)
	}
	return err
}
