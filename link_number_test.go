package postpress

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSameNumber(t *testing.T) {
	for _, same := range [][]string{
		{"33612345678", "33612345678"},
		{"5491123456789", "541123456789", "54111523456789", "549111523456789"},
		{"5493511234567", "543511234567", "54351151234567"},
		{"5492966123456", "542966123456", "54296615123456"},
		{"5215512345678", "525512345678"},
		{"5511987654321", "551187654321"},
	} {
		for _, a := range same {
			for _, b := range same {
				assert.True(t, sameNumber(a, b), "%s %s", a, b)
			}
		}
	}
	for _, other := range [][2]string{
		{"33612345678", "33612345679"},
		{"33612345678", "336123456780"},
		{"5491123456789", "541123456780"},
		{"541123456789", "5511123456789"},
		{"5215512345678", "525512345679"},
		{"5211234567", "521234567"},
		{"5511987654321", "551187654322"},
		{"5511923456789", "551123456789"}, // a number that never was without the ninth digit
		{"5521987654321", "551187654321"},
		{"1549123456", "154123456"},
	} {
		assert.False(t, sameNumber(other[0], other[1]), "%s %s", other[0], other[1])
		assert.False(t, sameNumber(other[1], other[0]), "%s %s", other[1], other[0])
	}
}

func FuzzSameNumber(f *testing.F) {
	f.Add("5491123456789", "54111523456789")
	f.Fuzz(func(t *testing.T, a, b string) {
		if sameNumber(a, b) != sameNumber(b, a) || !sameNumber(a, a) {
			t.Fatalf("not an equivalence: %q %q", a, b)
		}
	})
}
