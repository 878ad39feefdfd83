package qr

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	rsc "rsc.io/qr"
)

// parseTerminal reads terminal output cell by cell, two modules in each. It
// knows only the two colours of the package, both of which must be set, so what
// it accepts looks the same on a dark and on a light terminal.
func parseTerminal(t *testing.T, out string) matrix {
	t.Helper()
	colors := map[string]bool{"16": true, "231": false} // true is black
	var m matrix
	require.True(t, strings.HasSuffix(out, "\n"))
	for line := range strings.Lines(out) {
		line, ended := strings.CutSuffix(line, "\x1b[0m\n")
		require.True(t, ended, "the line ends with a reset")
		var upper, lower []bool
		var fg, bg bool
		set := false // each line sets its own colours
		for line != "" {
			if sgr, ok := strings.CutPrefix(line, "\x1b[38;5;"); ok {
				params, rest, _ := strings.Cut(sgr, "m")
				fgName, bgName, both := strings.Cut(params, ";48;5;")
				require.True(t, both, "both colours are set: %q", params)
				var fgKnown, bgKnown bool
				fg, fgKnown = colors[fgName]
				bg, bgKnown = colors[bgName]
				require.True(t, fgKnown && bgKnown, "%q", params)
				set, line = true, rest
				continue
			}
			require.True(t, set, "a cell before its colours: %.20q", line)
			if rest, ok := strings.CutPrefix(line, "▀"); ok {
				require.NotEqual(t, fg, bg, "equal halves are drawn with a space")
				upper, lower, line = append(upper, fg), append(lower, bg), rest
			} else {
				rest, ok := strings.CutPrefix(line, " ")
				require.True(t, ok, "%.20q", line)
				upper, lower, line = append(upper, bg), append(lower, bg), rest
			}
		}
		m = append(m, upper, lower)
	}
	return m
}

func TestTerminal(t *testing.T) {
	for _, tt := range []struct {
		name, text    string
		opts          []Option
		level         rsc.Level
		columns, rows int
	}{
		{"277 bytes", linkText, nil, rsc.L, 69, 35},
		{"239 bytes", oldText, nil, rsc.L, 65, 33},
		{"zero level", linkText, []Option{WithLevel(0)}, rsc.L, 69, 35},
		{"level M", linkText, []Option{WithLevel(LevelM)}, rsc.M, 73, 37},
		{"size, scale and label ignored", linkText, []Option{WithScale(4096), WithSize(1), WithLabel("x")}, rsc.L, 69, 35},
		{"smallest code", "1", nil, rsc.L, 29, 15},
		{"largest code", strings.Repeat("x", 2953), nil, rsc.L, 185, 93},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var buf bytes.Buffer
			require.NoError(t, Terminal(&buf, tt.text, tt.opts...))
			got := parseTerminal(t, buf.String())

			columns, rows, err := TerminalSize(tt.text, tt.opts...)
			require.NoError(t, err)
			require.Equal(t, []int{tt.columns, tt.rows}, []int{columns, rows})
			require.Len(t, got, 2*rows)
			for _, row := range got {
				require.Len(t, row, columns)
			}

			// The lower half of the last row is a fifth white module.
			require.Equal(t, frame{4, 4, 4, 5}, quietZoneOf(got))
			require.Equal(t, wantMatrix(t, tt.text, tt.level), got[:columns])
		})
	}
}

func TestMadeUpTextsHaveTheLengthsOfRealOnes(t *testing.T) {
	require.Len(t, linkText, 277)
	require.Len(t, oldText, 239)
}
