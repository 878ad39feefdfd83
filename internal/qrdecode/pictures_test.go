package qrdecode

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strings"
	"testing"

	"github.com/postpress-ai/postpress-go/qr"
)

func drawPNG(t *testing.T, text string, opts ...qr.Option) image.Image {
	t.Helper()
	var buf bytes.Buffer
	if err := qr.PNG(&buf, text, opts...); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&buf)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestPNG(t *testing.T) {
	for name, opts := range map[string][]qr.Option{
		"default":  nil,
		"scale 2":  {qr.WithScale(2)},
		"scale 3":  {qr.WithScale(3)},
		"scale 4":  {qr.WithScale(4)},
		"scale 10": {qr.WithScale(10)},
		"size 200": {qr.WithSize(200)},
		"size 333": {qr.WithSize(333)},
		"size 500": {qr.WithSize(500)},
		"level L":  {qr.WithLevel(qr.LevelL)},
		"level Q":  {qr.WithLevel(qr.LevelQ)},
		"level H":  {qr.WithLevel(qr.LevelH)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range texts(t, 3) {
				mustRead(t, drawPNG(t, text, opts...), text, true)
			}
		})
	}
}

// One pixel per module is too small for anything but a pure decoder.
func TestSmallestPNG(t *testing.T) {
	for _, text := range texts(t, 10) {
		if got := zxing(t, drawPNG(t, text, qr.WithScale(1)), true); got != text {
			t.Errorf("gozxing reads %q", got)
		}
	}
}

// The part of gozxing that finds a code in a photo misses a few that zbarimg reads.
func TestPNGWithoutPureHint(t *testing.T) {
	all := texts(t, 20)
	read := 0
	for _, text := range all {
		if zxing(t, drawPNG(t, text), false) == text {
			read++
		}
	}
	if read < len(all)*9/10 {
		t.Errorf("gozxing finds %d of %d codes", read, len(all))
	}
}

func TestDataURI(t *testing.T) {
	for _, text := range texts(t, 1) {
		uri, err := qr.DataURI(text)
		if err != nil {
			t.Fatal(err)
		}
		data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(uri, "data:image/png;base64,"))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		mustRead(t, img, text, true)
	}
}

// Every version (size) of code at every level is read back.
func TestAllVersions(t *testing.T) {
	for level := qr.LevelL; level <= qr.LevelH; level++ {
		read := map[int]bool{} // by the number of modules
		for n := 1; ; n += 1 + n/40 {
			text := strings.Repeat("a1B2,+/=", n/8+1)[:n]
			modules, _, err := qr.TerminalSize(text, qr.WithLevel(level))
			if errors.Is(err, qr.ErrTooLong) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if read[modules] {
				continue
			}
			read[modules] = true
			img := drawPNG(t, text, qr.WithLevel(level), qr.WithScale(2))
			if got := zxing(t, img, true); got != text {
				t.Errorf("level %d, %d modules: gozxing reads %q", level, modules, got)
			}
		}
		if len(read) != 40 {
			t.Errorf("level %d: %d versions instead of 40", level, len(read))
		}
	}
}

func TestSVG(t *testing.T) {
	for name, opts := range map[string][]qr.Option{
		"default":    nil,
		"scale 3":    {qr.WithScale(3)},
		"size 300":   {qr.WithSize(300)}, // 4.1 pixels per module
		"size 250":   {qr.WithSize(250)},
		"with label": {qr.WithLabel("Link your phone")},
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range texts(t, 3) {
				var buf bytes.Buffer
				if err := qr.SVG(&buf, text, opts...); err != nil {
					t.Fatal(err)
				}
				mustRead(t, rasterise(t, buf.Bytes()), text, false)
			}
		})
	}
}

// rasterise draws the subset of SVG that package qr uses, on a dark page: one
// background rectangle and one path of rectangles, without smoothing.
func rasterise(t *testing.T, svg []byte) image.Image {
	t.Helper()
	var doc struct {
		Width   int    `xml:"width,attr"`
		ViewBox string `xml:"viewBox,attr"`
		Rect    struct {
			Width int    `xml:"width,attr"`
			Fill  string `xml:"fill,attr"`
		} `xml:"rect"`
		Path struct {
			D    string `xml:"d,attr"`
			Fill string `xml:"fill,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal(svg, &doc); err != nil {
		t.Fatal(err)
	}
	var edge int
	if _, err := fmt.Sscanf(doc.ViewBox, "0 0 %d", &edge); err != nil {
		t.Fatal(err)
	}
	colors := map[string]color.Color{"#fff": color.White, "#000": color.Black}
	img := image.NewRGBA(image.Rect(-20, -20, doc.Width+20, doc.Width+20))
	draw.Draw(img, img.Rect, image.NewUniform(color.Gray{30}), image.Point{}, draw.Src)
	fill := func(x, y, w, h int, c color.Color) {
		px := func(n int) int { return int(math.Round(float64(n*doc.Width) / float64(edge))) }
		r := image.Rect(px(x), px(y), px(x+w), px(y+h))
		draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	fill(0, 0, doc.Rect.Width, doc.Rect.Width, colors[doc.Rect.Fill])
	for _, part := range strings.SplitAfter(doc.Path.D, "z") {
		var x, y, w, back int
		if _, err := fmt.Sscanf(part, "M%d %dh%dv1h-%dz", &x, &y, &w, &back); err != nil && part != "" {
			t.Fatalf("%q: %v", part, err)
		}
		fill(x, y, w, 1, colors[doc.Path.Fill])
	}
	return img
}
