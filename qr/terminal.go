package qr

import (
	"bytes"
	"io"
)

// A cell shows two modules, one above the other. Its background is the lower
// module and its foreground the opposite colour, so "▀" makes the upper module
// differ and a space makes it equal. Both colours are always set, to the fixed
// black (16) and white (231) of the 256 colours, which themes leave alone.
const (
	lowerWhite = "\x1b[38;5;16;48;5;231m"
	lowerBlack = "\x1b[38;5;231;48;5;16m"
	reset      = "\x1b[0m"
)

// Terminal writes text to w for a UTF-8 terminal with 256 colours, dark or light.
// It writes as many lines as [TerminalSize] says rows, each ending with a reset
// of the colours and a newline, and nothing else. To draw over an earlier code
// of the same size, first move the cursor up by that many rows.
//
// It does not look at the terminal: in one that is too narrow the lines wrap and
// the code cannot be scanned. Compare with TerminalSize first. The error is an
// [*InputError], for a text that is too long [ErrTooLong], or the error of w.
func Terminal(w io.Writer, text string, opts ...Option) error {
	return write(w, renderTerminal, text, opts)
}

// TerminalSize returns the columns and rows of cells that [Terminal] needs for
// the same text and options. A text of 277 bytes needs 69 columns and 35 rows,
// one of 239 bytes 65 and 33. Keep one row more free for the cursor. The error
// is an [*InputError], for a text that is too long [ErrTooLong].
func TerminalSize(text string, opts ...Option) (columns, rows int, err error) {
	q, _, err := newCode(text, LevelL, opts)
	if err != nil {
		return 0, 0, err
	}
	return q.edge, (q.edge + 1) / 2, nil
}

func renderTerminal(text string, opts []Option) ([]byte, error) {
	q, _, err := newCode(text, LevelL, opts)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	// A code has an odd number of modules on an edge: the lower half of the last
	// row lies outside it and is white.
	for y := 0; y < q.edge; y += 2 {
		color := ""
		for x := range q.edge {
			upper, lower := q.dark(x, y), q.dark(x, y+1)
			want := lowerWhite
			if lower {
				want = lowerBlack
			}
			if want != color {
				b.WriteString(want)
				color = want
			}
			if upper == lower {
				b.WriteByte(' ')
			} else {
				b.WriteString("▀")
			}
		}
		b.WriteString(reset + "\n")
	}
	return b.Bytes(), nil
}
