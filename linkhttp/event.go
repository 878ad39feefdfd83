package linkhttp

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/qr"
)

// What postpress.LinkState does not have.
const (
	stateEnding postpress.LinkState = "ending" // being cancelled
	stateFailed postpress.LinkState = "failed" // there, it is an error
)

// event is one step as it is stored, encrypted. What a browser gets is made of it
// by data, at the last moment: a drawn QR code takes twenty times the memory of its text.
type event struct {
	Seq       int                 `json:"seq"`
	State     postpress.LinkState `json:"state"`
	QR        postpress.Secret    `json:"qr,omitempty"`
	Pairing   postpress.Secret    `json:"pairing,omitempty"`
	ExpiresAt time.Time           `json:"expires_at,omitzero"`
	Account   *linked             `json:"account,omitempty"`
	Code      string              `json:"code,omitempty"`
}

// linked is the account as the browser is told.
type linked struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	PhoneNumber postpress.Secret `json:"phone_number,omitempty"`
}

// final tells whether nothing comes after this.
func (e event) final() bool { return e.State == postpress.LinkConnected || e.State == stateFailed }

func eventOf(step postpress.LinkStep) event {
	e := event{Seq: step.Seq, State: step.State}
	if cp := step.Checkpoint; cp != nil {
		e.QR, e.Pairing, e.ExpiresAt = cp.QRCode, cp.PairingCode, cp.ExpiresAt
	}
	if a := step.Account; a != nil {
		e.Account = &linked{ID: a.ID, Name: a.Name, PhoneNumber: postpress.Secret(a.PhoneNumber())}
	}
	return e
}

// wire is the data of an event as the browser gets it; see the package documentation.
type wire struct {
	State       postpress.LinkState `json:"state"`
	QRSVG       string              `json:"qr_svg,omitempty"`
	PairingCode postpress.Secret    `json:"pairing_code,omitempty"`
	ExpiresAt   time.Time           `json:"expires_at,omitzero"`
	ExpiresIn   *int64              `json:"expires_in_ms,omitempty"`
	Account     *linked             `json:"account,omitempty"`
	Code        string              `json:"code,omitempty"`
	Message     string              `json:"message,omitempty"`
}

// data is one line of JSON.
func (e event) data(now time.Time) ([]byte, error) {
	w := wire{State: e.State, PairingCode: e.Pairing, Account: e.Account, Code: e.Code}
	if e.State == stateFailed {
		w.Message = wordsFor(e.Code)
	}
	if !e.ExpiresAt.IsZero() {
		left := max(0, e.ExpiresAt.Sub(now).Milliseconds())
		w.ExpiresAt, w.ExpiresIn = e.ExpiresAt.UTC(), &left
	}
	if e.QR != "" {
		var svg strings.Builder
		if err := qr.SVG(&svg, string(e.QR), qr.WithLabel("QR code to scan with WhatsApp")); err != nil {
			return nil, err
		}
		w.QRSVG = svg.String()
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false) // it is not put into a page as it is, and an svg would double
	err := encoder.Encode(w)
	return bytes.TrimSuffix(line.Bytes(), []byte("\n")), err
}

// feed holds the last step for any number of viewers. Each tells everything, so
// none of them needs the steps before.
type feed struct {
	mu      sync.Mutex
	last    event
	changed chan struct{} // closed when last is replaced
}

func newFeed() *feed { return &feed{changed: make(chan struct{})} }

// current gives the last step, of Seq 0 where there is none yet, and what is closed at the next.
func (f *feed) current() (event, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last, f.changed
}

// publish makes e the last step, with a Seq above all before, and nothing follows
// an outcome. It gives back what is the last step now. A step without a state is none.
func (f *feed) publish(e event) event {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last.final() || e.State == "" {
		return f.last
	}
	e.Seq = max(e.Seq, f.last.Seq+1)
	f.last = e
	close(f.changed)
	f.changed = make(chan struct{})
	return e
}
