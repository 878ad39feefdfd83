package qr

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	rsc "rsc.io/qr"
)

// svgFile lists everything an SVG of this package may hold.
type svgFile struct {
	XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
	Role    string   `xml:"role,attr"`
	Width   int      `xml:"width,attr"`
	Height  int      `xml:"height,attr"`
	ViewBox string   `xml:"viewBox,attr"`
	Shape   string   `xml:"shape-rendering,attr"`
	Title   string   `xml:"title"`
	Rect    struct {
		Width  int    `xml:"width,attr"`
		Height int    `xml:"height,attr"`
		Fill   string `xml:"fill,attr"`
	} `xml:"rect"`
	Path []struct {
		D    string `xml:"d,attr"`
		Fill string `xml:"fill,attr"`
	} `xml:"path"`
	Other []struct {
		XMLName xml.Name
	} `xml:",any"`
}

func drawSVG(t *testing.T, text string, opts ...Option) svgFile {
	t.Helper()
	var buf bytes.Buffer
	require.NoError(t, SVG(&buf, text, opts...))
	var svg svgFile
	require.NoError(t, xml.Unmarshal(buf.Bytes(), &svg))
	require.Empty(t, svg.Other)
	require.Len(t, svg.Path, 1)
	return svg
}

var run = regexp.MustCompile(`^M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// rasterise draws the path, one pixel per module. It refuses rectangles that
// overlap or leave the picture.
func rasterise(t *testing.T, d string, edge int) matrix {
	t.Helper()
	m := newMatrix(edge, edge)
	for d != "" {
		found := run.FindStringSubmatch(d)
		require.NotNil(t, found, "path goes on with %.20q", d)
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(found[i+1])
		}
		require.Equal(t, n[2], n[3], "width there and back")
		for x := n[0]; x < n[0]+n[2]; x++ {
			require.False(t, m[n[1]][x], "%d,%d drawn twice", x, n[1])
			m[n[1]][x] = true
		}
		d = d[len(found[0]):]
	}
	return m
}

func TestSVG(t *testing.T) {
	for _, tt := range []struct {
		name   string
		opts   []Option
		level  rsc.Level
		pixels func(edge int) int
	}{
		{"default", nil, rsc.M, func(edge int) int { return 8 * edge }},
		{"scale", []Option{WithScale(3)}, rsc.M, func(edge int) int { return 3 * edge }},
		{"size", []Option{WithSize(300)}, rsc.M, func(int) int { return 300 }},
		{"level", []Option{WithLevel(LevelH)}, rsc.H, func(edge int) int { return 8 * edge }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			svg := drawSVG(t, linkText, tt.opts...)
			want := wantMatrix(t, linkText, tt.level)
			edge := len(want)

			require.Equal(t, tt.pixels(edge), svg.Width)
			require.Equal(t, tt.pixels(edge), svg.Height)
			require.Equal(t, fmt.Sprintf("0 0 %d %d", edge, edge), svg.ViewBox)
			require.Equal(t, "crispEdges", svg.Shape)
			require.Equal(t, "img", svg.Role)
			require.Equal(t, "QR code", svg.Title)
			require.Equal(t, edge, svg.Rect.Width, "the background covers the quiet zone")
			require.Equal(t, edge, svg.Rect.Height)
			require.Equal(t, "#fff", svg.Rect.Fill)
			require.Equal(t, "#000", svg.Path[0].Fill)

			got := rasterise(t, svg.Path[0].D, edge)
			require.True(t, equal(want, got), "modules differ")
			require.Equal(t, frame{4, 4, 4, 4}, quietZoneOf(got))
		})
	}
}

func TestSVGLabel(t *testing.T) {
	for label, want := range map[string]string{
		"":                           "QR code",
		"Link your phone":            "Link your phone",
		`</title><script>"&'`:        `</title><script>"&'`,
		"]]> <!-- \x00 \xff \u2028":  "]]> <!-- \uFFFD \uFFFD \u2028",
		"Téléphone – 電話":             "Téléphone – 電話",
		strings.Repeat("long ", 999): strings.Repeat("long ", 999),
	} {
		require.Equal(t, want, drawSVG(t, linkText, WithLabel(label)).Title)
	}
}

// An SVG goes straight into pages: nothing may come before or after the element.
func TestSVGIsOneElement(t *testing.T) {
	var buf bytes.Buffer
	require.NoError(t, SVG(&buf, linkText))
	require.True(t, strings.HasPrefix(buf.String(), "<svg "))
	require.True(t, strings.HasSuffix(buf.String(), "</svg>"))
}
