package qr

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	rsc "rsc.io/qr"
)

// decodePNG checks the format and returns the pixels.
func decodePNG(t *testing.T, data []byte) matrix {
	t.Helper()
	require.Equal(t, byte(1), data[24], "bit depth in the header")
	img, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	paletted, ok := img.(*image.Paletted)
	require.True(t, ok, "%T", img)
	require.Len(t, paletted.Palette, 2)

	b := img.Bounds()
	m := newMatrix(b.Dx(), b.Dy())
	for y := range m {
		for x := range m[y] {
			switch c := color.GrayModel.Convert(img.At(x, y)).(color.Gray); c.Y {
			case 0:
				m[y][x] = true
			case 255:
			default:
				t.Fatalf("pixel %d,%d is neither black nor white: %v", x, y, c)
			}
		}
	}
	return m
}

// enlarge draws m at a scale, with white margins.
func enlarge(m matrix, scale, before, after int) matrix {
	edge := before + len(m)*scale + after
	out := newMatrix(edge, edge)
	for y := range len(m) * scale {
		for x := range len(m) * scale {
			out[before+y][before+x] = m[y/scale][x/scale]
		}
	}
	return out
}

func TestPNG(t *testing.T) {
	// linkText at level M has 73 modules on an edge, quiet zone included.
	for _, tt := range []struct {
		name                 string
		opts                 []Option
		scale, before, after int
	}{
		{"default", nil, 8, 0, 0},
		{"nil option", []Option{nil}, 8, 0, 0},
		{"scale 1", []Option{WithScale(1)}, 1, 0, 0},
		{"scale 3", []Option{WithScale(3)}, 3, 0, 0},
		{"smallest size", []Option{WithSize(73)}, 1, 0, 0},
		{"rest below one module", []Option{WithSize(300)}, 4, 4, 4},
		{"odd rest", []Option{WithSize(301)}, 4, 4, 5},
		{"largest rest", []Option{WithSize(145)}, 1, 36, 36},
		{"multiple", []Option{WithSize(146)}, 2, 0, 0},
		{"size wins as the last", []Option{WithScale(1), WithSize(146)}, 2, 0, 0},
		{"scale wins as the last", []Option{WithSize(-1), WithScale(2)}, 2, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var buf bytes.Buffer
			require.NoError(t, PNG(&buf, linkText, tt.opts...))
			got := decodePNG(t, buf.Bytes())
			want := enlarge(wantMatrix(t, linkText, rsc.M), tt.scale, tt.before, tt.after)
			require.Len(t, got, len(want))
			require.True(t, equal(want, got), "pixels differ")

			f := quietZoneOf(got)
			require.Equal(t, frame{
				4*tt.scale + tt.before, 4*tt.scale + tt.before,
				4*tt.scale + tt.after, 4*tt.scale + tt.after,
			}, f)
		})
	}
}

// equal is for matrices too large for a readable diff.
func equal(a, b matrix) bool {
	if len(a) != len(b) {
		return false
	}
	for y := range a {
		for x := range a[y] {
			if a[y][x] != b[y][x] {
				return false
			}
		}
	}
	return true
}

func TestPNGLimits(t *testing.T) {
	for _, tt := range []struct {
		opt  Option
		want int
	}{{WithSize(4096), 4096}, {WithScale(56), 56 * 73}} {
		var buf bytes.Buffer
		require.NoError(t, PNG(&buf, linkText, tt.opt))
		picture, err := png.DecodeConfig(&buf)
		require.NoError(t, err)
		require.Equal(t, []int{tt.want, tt.want}, []int{picture.Width, picture.Height})
	}
}

func TestPNGIsDeterministic(t *testing.T) {
	var a, b bytes.Buffer
	require.NoError(t, PNG(&a, linkText))
	require.NoError(t, PNG(&b, linkText))
	require.Equal(t, a.Bytes(), b.Bytes())
}

func TestDataURIHoldsThePNG(t *testing.T) {
	opts := []Option{WithSize(300), WithLevel(LevelQ)}
	uri, err := DataURI(linkText, opts...)
	require.NoError(t, err)
	encoded, found := strings.CutPrefix(uri, "data:image/png;base64,")
	require.True(t, found, uri[:30])
	data, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(t, err)

	var buf bytes.Buffer
	require.NoError(t, PNG(&buf, linkText, opts...))
	require.Equal(t, buf.Bytes(), data)
}
