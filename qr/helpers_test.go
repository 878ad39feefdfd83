package qr

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	rsc "rsc.io/qr"
)

// linkText and oldText have the lengths of the two forms of a linking text; what
// they hold is made up.
var (
	linkText = "https://wa.me/settings/linked_devices#" + strings.Repeat("Made,up+0", 26) + "Made1"
	oldText  = "2@" + strings.Repeat("Made,up+0", 26) + "Ma1"
)

// matrix is rows of modules; true is black.
type matrix [][]bool

// wantMatrix is the code as the encoder gives it, inside four white modules.
func wantMatrix(t *testing.T, text string, level rsc.Level) matrix {
	t.Helper()
	code, err := rsc.Encode(text, level)
	require.NoError(t, err)
	m := newMatrix(code.Size+8, code.Size+8)
	for y := range code.Size {
		for x := range code.Size {
			m[y+4][x+4] = code.Black(x, y)
		}
	}
	return m
}

func newMatrix(width, height int) matrix {
	m := make(matrix, height)
	for y := range m {
		m[y] = make([]bool, width)
	}
	return m
}

// crop removes n modules from every side.
func (m matrix) crop(n int) matrix {
	var out matrix
	for _, row := range m[n : len(m)-n] {
		out = append(out, row[n:len(row)-n])
	}
	return out
}

// frame is the number of white modules on each side of a matrix.
type frame struct{ left, top, right, bottom int }

// quietZoneOf measures the frame by looking for the outermost black modules.
func quietZoneOf(m matrix) frame {
	f := frame{len(m[0]), len(m), len(m[0]), len(m)}
	for y, row := range m {
		for x, black := range row {
			if black {
				f.left, f.right = min(f.left, x), min(f.right, len(row)-1-x)
				f.top, f.bottom = min(f.top, y), min(f.bottom, len(m)-1-y)
			}
		}
	}
	return f
}

// The border assertions of the other tests can fail: on a picture whose quiet
// zone is cropped they see it, and its outermost pixels are no longer all white.
func TestQuietZoneOfSeesCroppedBorder(t *testing.T) {
	full := wantMatrix(t, linkText, rsc.M)
	require.Equal(t, frame{4, 4, 4, 4}, quietZoneOf(full))
	require.False(t, blackAtBorder(full, 4))
	for _, left := range []int{0, 1, 3} {
		cropped := full.crop(4 - left)
		require.Equal(t, frame{left, left, left, left}, quietZoneOf(cropped))
		require.True(t, blackAtBorder(cropped, 4), "%d modules left", left)
	}
}

// blackAtBorder tells whether any of the outer n modules is black.
func blackAtBorder(m matrix, n int) bool {
	for y, row := range m {
		for x, black := range row {
			outer := x < n || y < n || x >= len(row)-n || y >= len(m)-n
			if outer && black {
				return true
			}
		}
	}
	return false
}
