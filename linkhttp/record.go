package linkhttp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strings"

	"github.com/postpress-ai/postpress-go"
)

// record is what the store has of an attempt. All but asks is written by the owner.
type record struct {
	Nonce   string                `json:"nonce"` // tells attempts for the same thing apart
	User    string                `json:"user"`
	Request postpress.LinkRequest `json:"request"`
	Link    *postpress.LinkRecord `json:"link,omitempty"` // nil until it is started
	Owner   string                `json:"owner"`          // which Handler; empty where it was given back
	Beat    int                   `json:"beat"`           // grows with each save of the owner
	Event   event                 `json:"event"`          // the last step
	Asks    asks                  `json:"asks"`
}

// asks is what the other replicas want of the owner.
type asks struct {
	Seen    int  `json:"seen"`    // grows while somebody watches
	Refresh int  `json:"refresh"` // grows with each
	Cancel  bool `json:"cancel"`
}

// plus adds wishes to what was asked before.
func (a asks) plus(b asks) asks {
	return asks{Seen: a.Seen + b.Seen, Refresh: a.Refresh + b.Refresh, Cancel: a.Cancel || b.Cancel}
}

func (r *record) ended() bool { return r.Event.final() }

// sealer makes the keys and the values of the store. Whoever reads the store
// learns nothing, whoever writes it can at most destroy.
type sealer struct {
	slots []byte
	aead  cipher.AEAD
}

const (
	slotBytes, slotText   = 16, 22
	nonceBytes, nonceText = 6, 8
)

func newSealer(secret []byte) sealer {
	if len(secret) == 0 {
		secret = make([]byte, 32)
		_, _ = rand.Read(secret) // never fails
	}
	derive := func(info string) []byte {
		key, _ := hkdf.Key(sha256.New, secret, nil, "postpress linkhttp "+info, 32) // fails for absurd lengths only
		return key
	}
	block, _ := aes.NewCipher(derive("values")) // 32 bytes are a key
	aead, _ := cipher.NewGCMWithRandomNonce(block)
	return sealer{slots: derive("slots"), aead: aead}
}

// slot is the key under which attempts of this user for this thing are stored: the
// same on every replica, and nobody else can tell it. The n-th is for the attempt
// that is started while n others are still being cancelled.
func (s sealer) slot(user string, req postpress.LinkRequest, n int) (string, error) {
	what, err := json.Marshal(req)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, s.slots)
	_ = binary.Write(mac, binary.BigEndian, []uint64{uint64(n), uint64(len(user))})
	mac.Write([]byte(user))
	mac.Write(what)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:slotBytes]), nil
}

func newNonce() string {
	var b [nonceBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// splitID takes the id of an attempt apart: the slot, and which of its attempts.
// What is no id must not become a key of the store.
func splitID(id string) (slot, nonce string, ok bool) {
	if len(id) != slotText+nonceText || strings.ContainsFunc(id, outsideBase64) {
		return "", "", false
	}
	return id[:slotText], id[slotText:], true
}

func outsideBase64(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

func (s sealer) seal(slot string, r *record) ([]byte, error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return s.aead.Seal(nil, nil, plain, []byte(slot)), nil
}

func (s sealer) open(slot string, value []byte) (*record, error) {
	plain, err := s.aead.Open(nil, nil, value, []byte(slot))
	if err != nil {
		return nil, err
	}
	r := new(record)
	return r, json.Unmarshal(plain, r)
}
