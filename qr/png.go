package qr

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"io"
)

// PNG writes text to w as a black and white PNG of 8 pixels per module; see
// [WithScale] and [WithSize]. The error is an [*InputError], for a text that is
// too long [ErrTooLong], or the error of w.
func PNG(w io.Writer, text string, opts ...Option) error {
	return write(w, renderPNG, text, opts)
}

// DataURI returns the picture that [PNG] draws as a "data:image/png;base64,…"
// URI, for the src of an img element or for JSON. It is as secret as text. The
// errors are those of [PNG].
//
// In html/template, convert it to template.URL, or the template will replace it.
// To put an SVG into a page, write it there with [SVG]: it needs no URI.
func DataURI(text string, opts ...Option) (string, error) {
	data, err := renderPNG(text, opts)
	if err != nil {
		return "", err
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(data), nil
}

func renderPNG(text string, opts []Option) ([]byte, error) {
	q, c, err := newCode(text, LevelM, opts)
	if err != nil {
		return nil, err
	}
	size, scale, err := c.layout(q.edge)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	err = png.Encode(&buf, q.image(size, scale))
	return buf.Bytes(), err
}

// image draws the code in the middle of a square. Two colours make the encoder
// store one bit per pixel; white comes first, so that a new image is all white.
func (q code) image(size, scale int) *image.Paletted {
	img := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	margin := (size - scale*q.edge) / 2
	for y := range q.edge {
		line := func(i int) []uint8 { return img.Pix[(margin+y*scale+i)*img.Stride:][:size] }
		first := line(0)
		for x := range q.edge {
			if q.dark(x, y) {
				for i := range scale {
					first[margin+x*scale+i] = 1
				}
			}
		}
		for i := 1; i < scale; i++ {
			copy(line(i), first)
		}
	}
	return img
}
