package qrdecode

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strconv"
	"strings"
	"testing"

	"github.com/postpress-ai/postpress-go/qr"
)

type theme struct {
	name           string
	text, backdrop color.RGBA
}

var (
	dark   = theme{"dark", color.RGBA{204, 204, 204, 255}, color.RGBA{30, 30, 30, 255}}
	light  = theme{"light", color.RGBA{0, 0, 0, 255}, color.RGBA{255, 255, 255, 255}}
	cream  = theme{"cream", color.RGBA{101, 123, 131, 255}, color.RGBA{253, 246, 227, 255}}
	themes = []theme{dark, light, cream}
)

type cell struct {
	char   rune
	fg, bg color.RGBA
}

// emulate runs output through a small terminal and returns its rows of cells.
// Colours that the output does not set are those of the theme.
func emulate(t *testing.T, output string, th theme) [][]cell {
	t.Helper()
	var rows [][]cell
	fg, bg := th.text, th.backdrop
	for line := range strings.Lines(output) {
		line = strings.TrimSuffix(line, "\n")
		var row []cell
		for line != "" {
			if rest, ok := strings.CutPrefix(line, "\x1b["); ok {
				params, rest, ok := strings.Cut(rest, "m")
				if !ok {
					t.Fatalf("not a colour sequence: %.20q", line)
				}
				fg, bg = setColors(t, params, th, fg, bg)
				line = rest
				continue
			}
			char := []rune(line)[0]
			row = append(row, cell{char, fg, bg})
			line = line[len(string(char)):]
		}
		rows = append(rows, row)
	}
	return rows
}

// setColors applies the parameters of one SGR sequence.
func setColors(t *testing.T, params string, th theme, fg, bg color.RGBA) (color.RGBA, color.RGBA) {
	t.Helper()
	p := strings.Split(params, ";")
	for len(p) > 0 {
		switch {
		case p[0] == "0":
			fg, bg, p = th.text, th.backdrop, p[1:]
		case p[0] == "38" && len(p) > 2 && p[1] == "5":
			fg, p = cube(t, p[2]), p[3:]
		case p[0] == "48" && len(p) > 2 && p[1] == "5":
			bg, p = cube(t, p[2]), p[3:]
		default:
			t.Fatalf("the terminal does not know SGR %q", params)
		}
	}
	return fg, bg
}

// cube returns a colour of the 6×6×6 cube among the 256 colours. The first 16,
// which themes redefine, are refused.
func cube(t *testing.T, number string) color.RGBA {
	t.Helper()
	n, err := strconv.Atoi(number)
	if err != nil || n < 16 || n > 231 {
		t.Fatalf("not a colour of the cube: %q", number)
	}
	levels := [6]uint8{0, 95, 135, 175, 215, 255}
	n -= 16
	return color.RGBA{levels[n/36], levels[n/6%6], levels[n%6], 255}
}

// spacing is what a terminal leaves between the glyphs of two rows, in pixels. It
// fills the space with the backgrounds of the cells; where the text is drawn as
// HTML the space may stay bare and show the backdrop.
type spacing struct {
	above, below int
	bare         bool
}

// screenshot draws cells with glyphs of a size in pixels, and three cells of
// backdrop around them.
func screenshot(t *testing.T, rows [][]cell, glyph image.Point, gap spacing, th theme) *image.RGBA {
	t.Helper()
	margin := 3 * glyph.X
	step := gap.above + glyph.Y + gap.below
	img := image.NewRGBA(image.Rect(0, 0, 2*margin+len(rows[0])*glyph.X, 2*margin+len(rows)*step))
	fill := func(x, y, w, h int, c color.RGBA) {
		draw.Draw(img, image.Rect(x, y, x+w, y+h), image.NewUniform(c), image.Point{}, draw.Src)
	}
	fill(0, 0, img.Rect.Dx(), img.Rect.Dy(), th.backdrop)
	for r, row := range rows {
		for c, cell := range row {
			x, y := margin+c*glyph.X, margin+r*step
			if !gap.bare {
				fill(x, y, glyph.X, step, cell.bg)
			}
			y += gap.above
			fill(x, y, glyph.X, glyph.Y, cell.bg)
			switch cell.char {
			case ' ':
			case '▀':
				fill(x, y, glyph.X, glyph.Y/2, cell.fg)
			default:
				t.Fatalf("the terminal does not know %q", cell.char)
			}
		}
	}
	return img
}

// photo blurs img as a camera does: each pixel becomes the mean of 3×3.
func photo(img image.Image) image.Image {
	b := img.Bounds()
	sharp, blurred := image.NewGray(b), image.NewGray(b)
	draw.Draw(sharp, b, img, b.Min, draw.Src)
	copy(blurred.Pix, sharp.Pix)
	for y := b.Min.Y + 1; y < b.Max.Y-1; y++ {
		for x := b.Min.X + 1; x < b.Max.X-1; x++ {
			sum := 0
			for i := range 9 {
				sum += int(sharp.GrayAt(x+i%3-1, y+i/3-1).Y)
			}
			blurred.SetGray(x, y, color.Gray{uint8(sum / 9)})
		}
	}
	return blurred
}

func drawTerminal(t *testing.T, text string, glyph image.Point, gap spacing, th theme) image.Image {
	t.Helper()
	var buf bytes.Buffer
	if err := qr.Terminal(&buf, text); err != nil {
		t.Fatal(err)
	}
	return screenshot(t, emulate(t, buf.String(), th), glyph, gap, th)
}

var glyphs = []image.Point{{X: 8, Y: 16}, {X: 9, Y: 18}, {X: 7, Y: 15}, {X: 10, Y: 20}}

func TestTerminal(t *testing.T) {
	for _, th := range themes {
		for _, glyph := range glyphs {
			for pixels := range 3 {
				t.Run(fmt.Sprintf("%s/%v/gap %d", th.name, glyph, pixels), func(t *testing.T) {
					for _, text := range texts(t, 1) {
						mustRead(t, drawTerminal(t, text, glyph, spacing{below: pixels}, th), text, false)
					}
				})
			}
		}
	}
}

// Space above a "▀", and bare lines on a light theme, cut white lines into black
// modules. Decoders fail on the exact pixels then, but read a photo of them. Lines
// of two pixels are not tested: decoders fail on the photo as well.
func TestPhotoOfTerminal(t *testing.T) {
	for name, gap := range map[string]spacing{
		"space above": {above: 1},
		"both sides":  {above: 1, below: 1},
		"bare line":   {below: 1, bare: true},
	} {
		for _, th := range []theme{dark, light} {
			for _, glyph := range glyphs[:2] {
				t.Run(fmt.Sprintf("%s/%s/%v", name, th.name, glyph), func(t *testing.T) {
					for _, text := range texts(t, 1) {
						img := photo(drawTerminal(t, text, glyph, gap, th))
						if got := zxing(t, img, false); got != text {
							t.Errorf("gozxing reads %q", got)
						}
					}
				})
			}
		}
	}
}

// On a dark theme bare lines are dark, and harmless up to two pixels.
func TestTerminalWithBareDarkLines(t *testing.T) {
	for pixels := 1; pixels <= 2; pixels++ {
		for _, text := range texts(t, 1) {
			mustRead(t, drawTerminal(t, text, glyphs[0], spacing{below: pixels, bare: true}, dark), text, false)
		}
	}
}
