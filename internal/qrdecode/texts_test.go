package qrdecode

import (
	"encoding/base64"
	"math/rand/v2"
	"testing"
)

// texts returns made-up texts of the two forms that WhatsApp uses, 277 and 239
// characters long, n of each. The same call gives the same texts.
func texts(t *testing.T, n int) []string {
	t.Helper()
	random := rand.NewChaCha8([32]byte{1})
	token := func(size int) string {
		b := make([]byte, size)
		_, _ = random.Read(b) // never fails
		return base64.StdEncoding.EncodeToString(b)
	}
	var all []string
	for range n {
		old := "2@" + token(75) + "," + token(32) + "," + token(32) + "," + token(32) + ",1"
		link := "https://wa.me/settings/linked_devices#" + old
		if len(old) != 239 || len(link) != 277 {
			t.Fatalf("texts of %d and %d characters", len(old), len(link))
		}
		all = append(all, link, old)
	}
	return all
}
