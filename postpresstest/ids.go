package postpresstest

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"sync"
)

const (
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	// pairingAlphabet is WhatsApp's: without 0, I, O and U.
	pairingAlphabet = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
	digits          = "0123456789"
	base64Alphabet  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)

// The streams keep what is drawn for one purpose from moving what is drawn for
// another: a retried request has a new request id but not a new account id.
const (
	streamIDs = iota + 1
	streamCodes
	streamRequests
	streamDeliveries
	streamDuplicates
)

// A generator draws ids and codes from a seed. It is safe for concurrent use.
type generator struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func newGenerator(seed int64, stream uint64) *generator {
	return &generator{rnd: rand.New(rand.NewPCG(uint64(seed), stream))}
}

func (g *generator) pick(alphabet string, n int) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[g.rnd.IntN(len(alphabet))]
	}
	return string(b)
}

func (g *generator) bytes(n int) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.rnd.Uint32())
	}
	return b
}

// id looks like the ULIDs of the API. Its time part is drawn too, because a seed
// must give the same ids on another day.
func (g *generator) id(prefix string) string { return prefix + "_01" + g.pick(crockford, 24) }

func (g *generator) phone() string { return "336" + g.pick(digits, 8) }

func (g *generator) uuid() string {
	b := g.bytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// qrText has the form and the 277 characters of a WhatsApp QR code of today.
func (g *generator) qrText() string {
	key := func() string { return base64.StdEncoding.EncodeToString(g.bytes(32)) }
	return fmt.Sprintf("https://wa.me/settings/linked_devices#2@%s,%s,%s,%s,1",
		g.pick(base64Alphabet, 100), key(), key(), key())
}

func (g *generator) pairingCode() string {
	return g.pick(pairingAlphabet, 4) + "-" + g.pick(pairingAlphabet, 4)
}
