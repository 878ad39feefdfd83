package qr

import (
	"io"

	rsc "rsc.io/qr"
)

const (
	// quietZone is the width in modules of the white frame that scanners need
	// to find a code.
	quietZone = 4

	// maxText is the capacity of the largest code in its densest encoding,
	// digits. Longer texts are refused before the encoder copies them.
	maxText = 7089
)

// code is a QR code with its quiet zone.
type code struct {
	matrix *rsc.Code
	edge   int // modules on one side
}

// newCode checks all input that is not about pixels and encodes text.
func newCode(text string, defaultLevel Level, opts []Option) (code, config, error) {
	c, err := newConfig(defaultLevel, opts)
	if err != nil {
		return code{}, c, err
	}
	if text == "" {
		return code{}, c, &InputError{"text", "empty: pass the text of the code"}
	}
	if len(text) > maxText {
		return code{}, c, ErrTooLong
	}
	matrix, err := rsc.Encode(text, rsc.Level(c.level-LevelL))
	if err != nil {
		// Length is all that is left to be wrong. The encoder's own error is
		// dropped: it must not get a chance to quote the text.
		return code{}, c, ErrTooLong
	}
	return code{matrix, matrix.Size + 2*quietZone}, c, nil
}

// dark tells whether a module is black. Everything outside the matrix is white.
func (q code) dark(x, y int) bool {
	return q.matrix.Black(x-quietZone, y-quietZone)
}

// write renders first, so that bad input leaves w untouched, and then writes once.
func write(w io.Writer, render func(string, []Option) ([]byte, error), text string, opts []Option) error {
	if w == nil {
		return &InputError{"w", "nil: pass a writer"}
	}
	data, err := render(text, opts)
	if err != nil {
		return err
	}
	n, err := w.Write(data)
	if err == nil && n < len(data) {
		return io.ErrShortWrite
	}
	return err
}
