package qr

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	rsc "rsc.io/qr"
)

// outputs are the functions that write, and DataURI and TerminalSize in their shape.
var outputs = map[string]func(io.Writer, string, ...Option) error{
	"PNG":      PNG,
	"SVG":      SVG,
	"Terminal": Terminal,
	"DataURI": func(w io.Writer, text string, opts ...Option) error {
		uri, err := DataURI(text, opts...)
		_, _ = io.WriteString(w, uri)
		return err
	},
	"TerminalSize": func(w io.Writer, text string, opts ...Option) error {
		columns, rows, err := TerminalSize(text, opts...)
		if columns != 0 || rows != 0 {
			fmt.Fprint(w, columns, rows)
		}
		return err
	},
}

func TestBadInputIsRefusedBeforeWriting(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		opt        Option
		field      string
		problem    string // part of it: what would be right
		onlyPixels bool   // the problem does not concern terminals
	}{
		{"empty text", "", nil, "text", "empty", false},
		{"level below", linkText, WithLevel(-1), "level", "use LevelL", false},
		{"level above", linkText, WithLevel(LevelH + 1), "level", "use LevelL", false},
		{"size zero", linkText, WithSize(0), "size", "use 1 to 4096", false},
		{"size negative", linkText, WithSize(math.MinInt), "size", "use 1 to 4096", false},
		{"size huge", linkText, WithSize(4097), "size", "use 1 to 4096", false},
		{"scale zero", linkText, WithScale(0), "scale", "use 1 to 4096", false},
		{"scale negative", linkText, WithScale(-8), "scale", "use 1 to 4096", false},
		{"scale overflowing", linkText, WithScale(math.MaxInt), "scale", "use 1 to 4096", false},
		{"size too small", linkText, WithSize(72), "size", "at least 73", true},
		{"scale too large", linkText, WithScale(57), "scale", "at most 56", true},
	} {
		for name, output := range outputs {
			if tt.onlyPixels && strings.HasPrefix(name, "Terminal") {
				continue
			}
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				var buf bytes.Buffer
				err := output(&buf, tt.text, tt.opt)
				var input *InputError
				require.ErrorAs(t, err, &input)
				require.Equal(t, tt.field, input.Field)
				require.Contains(t, input.Problem, tt.problem)
				require.Equal(t, "qr: "+input.Field+": "+input.Problem, err.Error())
				require.NotErrorIs(t, err, ErrTooLong)
				require.Zero(t, buf.Len(), "nothing is written")
			})
		}
	}
}

func TestTooLong(t *testing.T) {
	for level, capacity := range map[Level]int{LevelL: 2953, LevelM: 2331, LevelQ: 1663, LevelH: 1273} {
		for name, output := range outputs {
			t.Run(fmt.Sprintf("level %d/%s", level, name), func(t *testing.T) {
				var buf bytes.Buffer
				require.NoError(t, output(&buf, strings.Repeat("x", capacity), WithLevel(level)))
				require.Contains(t, ErrTooLong.Error(), fmt.Sprint(capacity), "the error names the limit")

				buf.Reset()
				for _, n := range []int{capacity + 1, 1 << 20} {
					err := output(&buf, strings.Repeat("x", n), WithLevel(level))
					require.ErrorIs(t, err, ErrTooLong)
					var input *InputError
					require.ErrorAs(t, err, &input)
					require.Equal(t, "text", input.Field)
					require.Zero(t, buf.Len())
				}
			})
		}
	}
	// Digits are packed more densely, up to the limit that is checked first.
	require.NoError(t, PNG(io.Discard, strings.Repeat("7", maxText), WithLevel(LevelL)))
	require.ErrorIs(t, PNG(io.Discard, strings.Repeat("7", maxText+1), WithLevel(LevelL)), ErrTooLong)
}

// Whatever is wrong, no error and no SVG quotes the text, in any format.
func TestTextIsNeverShown(t *testing.T) {
	const secret = "s3cr3t"
	for _, text := range []string{secret, strings.Repeat(secret, 1000), strings.Repeat(secret, 2000)} {
		for _, opt := range []Option{nil, WithLevel(99), WithSize(-1), WithSize(1), WithScale(4096)} {
			for name, output := range outputs {
				var buf bytes.Buffer
				err := output(&buf, text, opt)
				require.NotContains(t, fmt.Sprintf("%v %+v %#v %q", err, err, err, err), secret, name)
				require.NotContains(t, buf.String(), secret, name)
			}
		}
	}
}

func TestNilWriter(t *testing.T) {
	for _, output := range []func(io.Writer, string, ...Option) error{PNG, SVG, Terminal} {
		var input *InputError
		require.ErrorAs(t, output(nil, linkText), &input)
		require.Equal(t, "w", input.Field)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWriter(t *testing.T) {
	for _, output := range []func(io.Writer, string, ...Option) error{PNG, SVG, Terminal} {
		var calls int
		require.NoError(t, output(writerFunc(func(p []byte) (int, error) { calls++; return len(p), nil }), linkText))
		require.Equal(t, 1, calls, "one Write")

		broken := errors.New("disk full")
		require.Equal(t, broken, output(writerFunc(func([]byte) (int, error) { return 0, broken }), linkText))
		short := writerFunc(func(p []byte) (int, error) { return len(p) - 1, nil })
		require.Equal(t, io.ErrShortWrite, output(short, linkText))
	}
}

// Texts of every kind draw the modules that the encoder gives for them.
func TestHostileTexts(t *testing.T) {
	for _, text := range []string{
		" ", "0", "A", "\x00", "\xff\xfe", "a\nb\r\n\x1b[31m", "<svg/>&\"'", "電話📱", "\u202e", strings.Repeat("\x00", 2331),
	} {
		want := wantMatrix(t, text, rsc.M)
		var buf bytes.Buffer
		require.NoError(t, PNG(&buf, text, WithScale(1)))
		require.Equal(t, want, decodePNG(t, buf.Bytes()))
		require.Equal(t, want, rasterise(t, drawSVG(t, text).Path[0].D, len(want)))
		buf.Reset()
		require.NoError(t, Terminal(&buf, text, WithLevel(LevelM)))
		require.Equal(t, want, parseTerminal(t, buf.String())[:len(want)])
	}
}

// Run with -race: calls that share their options give what a lone call gives.
func TestConcurrentUse(t *testing.T) {
	opts := []Option{WithScale(2), WithLevel(LevelQ), WithLabel("shared")}
	for name, output := range outputs {
		var want bytes.Buffer
		require.NoError(t, output(&want, linkText, opts...))
		results := make([]bytes.Buffer, 16)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() { _ = output(&results[i], linkText, opts...) })
		}
		wg.Wait()
		for i := range results {
			require.True(t, bytes.Equal(want.Bytes(), results[i].Bytes()), name)
		}
	}
}
