package qr

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRender looks for input that panics, that is refused without an InputError,
// or that the outputs do not draw alike.
func FuzzRender(f *testing.F) {
	f.Add(linkText, 0, 300, 8, "QR code")
	f.Add(oldText, int(LevelH), 73, 1, "")
	f.Add("", 1, 0, 0, "\x00")
	f.Add("\xff", -1, -1, -1, "</title>")
	f.Add("0123456789", 2, 4096, 4096, "&")
	f.Add(strings.Repeat("A", 4296), 1, 185, 22, "label")
	f.Add(strings.Repeat("7", 7090), 1, 4097, 23, "label")
	f.Fuzz(func(t *testing.T, text string, level, size, scale int, label string) {
		// Large pictures are slow to draw and show nothing new.
		sized, scaled := WithSize(min(size, 200)), WithScale(min(scale, 2))
		common := []Option{WithLevel(Level(level)), WithLabel(label)}
		for _, output := range outputs {
			for _, opt := range []Option{sized, scaled} {
				err := output(io.Discard, text, append(common, opt)...)
				var input *InputError
				if err != nil && !errors.As(err, &input) {
					t.Fatalf("%T: %v", err, err)
				}
			}
		}

		var png, terminal bytes.Buffer
		if level == 0 || PNG(&png, text, WithLevel(Level(level)), WithScale(1)) != nil {
			return
		}
		want := decodePNG(t, png.Bytes())
		require.NoError(t, Terminal(&terminal, text, WithLevel(Level(level))))
		require.True(t, equal(want, parseTerminal(t, terminal.String())[:len(want)]))
		require.True(t, equal(want, rasterise(t, drawSVG(t, text, common...).Path[0].D, len(want))))
		require.Equal(t, frame{4, 4, 4, 4}, quietZoneOf(want))
	})
}
