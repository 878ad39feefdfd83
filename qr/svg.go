package qr

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
)

// SVG writes text to w as one svg element without an XML declaration, to be put
// into a page or saved as a file. Its width and height are those of the PNG; see
// [WithScale] and [WithSize]. [WithLabel] sets its accessible name. The error is
// an [*InputError], for a text that is too long [ErrTooLong], or the error of w.
func SVG(w io.Writer, text string, opts ...Option) error {
	return write(w, renderSVG, text, opts)
}

func renderSVG(text string, opts []Option) ([]byte, error) {
	q, c, err := newCode(text, LevelM, opts)
	if err != nil {
		return nil, err
	}
	size, _, err := c.layout(q.edge)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="%d" height="%d" viewBox="0 0 %d %d" shape-rendering="crispEdges"><title>`,
		size, size, q.edge, q.edge)
	_ = xml.EscapeText(&b, []byte(c.label)) // fails only if the buffer does
	fmt.Fprintf(&b, `</title><rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="`, q.edge, q.edge)
	q.path(&b)
	b.WriteString(`"/></svg>`)
	return b.Bytes(), nil
}

// path writes one rectangle for each horizontal run of black modules.
func (q code) path(b *bytes.Buffer) {
	for y := range q.edge {
		for x := 0; x < q.edge; x++ {
			start := x
			for q.dark(x, y) {
				x++
			}
			if n := x - start; n > 0 {
				fmt.Fprintf(b, "M%d %dh%dv1h-%dz", start, y, n, n)
			}
		}
	}
}
