package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/postpresstest"
	"github.com/postpress-ai/postpress-go/qr"
)

// shown is what a terminal shows that gets text: as much of one as screen and
// package qr need. Colours are kept with the characters they come before.
func shown(text string) []string {
	lines, row := []string{""}, 0
	for len(text) > 0 {
		var n int
		var what byte
		switch {
		case text[0] == '\n':
			row++
			if row == len(lines) {
				lines = append(lines, "")
			}
			text = text[1:]
			continue
		case text[0] == '\r':
			text = text[1:]
			continue
		case strings.HasPrefix(text, "\x1b[K"):
			lines[row], text = "", text[3:]
			continue
		case strings.HasPrefix(text, "\x1b[J"):
			lines, text = lines[:row+1], text[3:]
			lines[row] = ""
			continue
		case strings.HasPrefix(text, "\x1b["):
			if k, _ := fmt.Sscanf(text, "\x1b[%d%c", &n, &what); k == 2 && what == 'A' {
				row -= n
				text = text[strings.IndexByte(text, 'A')+1:]
				continue
			}
		}
		lines[row] += text[:1]
		text = text[1:]
	}
	return lines
}

func TestShown(t *testing.T) {
	assert.Equal(t, []string{"a", "new", ""}, shown("a\nold\nolder\n\r\x1b[K\x1b[2A\x1b[Jnew\n"))
	assert.Equal(t, []string{"2 left"}, shown("\r\x1b[K3 left\r\x1b[K2 left"))
}

func drawn(t *testing.T, text string) string {
	var b strings.Builder
	require.NoError(t, qr.Terminal(&b, text))
	return strings.Trim(b.String(), "\n")
}

func TestConnectRedrawsInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		double := postpresstest.NewServer(postpresstest.WithReissue(postpresstest.ReissueAlways))
		client := double.Client()
		defer double.Close()
		defer client.Close()
		var out, errs output
		screen := newScreen(&out)
		screen.terminal = true
		screen.size = func() (int, int, bool) { return 120, 60, true }
		l := linker{client: client, out: screen, err: &errs}
		done := make(chan int)
		go func() { done <- l.link(t.Context(), "", time.Hour) }()

		time.Sleep(10500 * time.Millisecond)
		id := double.Accounts()[0].ID
		first, err := double.QRCode(id)
		require.NoError(t, err)
		see := func() string { return strings.Join(shown(out.String()), "\n") }
		assert.Contains(t, see(), drawn(t, first))
		assert.Regexp(t, `\nwaiting for the phone, about 50s left for this code$`, see())
		before := len(shown(out.String()))

		time.Sleep(50 * time.Second)
		second, err := double.QRCode(id)
		require.NoError(t, err)
		require.NotEqual(t, first, second)
		assert.Contains(t, see(), drawn(t, second))
		assert.NotContains(t, see(), drawn(t, first))
		assert.Len(t, shown(out.String()), before, "in the place of the first one")

		require.NoError(t, double.Scan(id))
		assert.Equal(t, exitConnected, <-done, errs.String())
		assert.Contains(t, see(), "\nConnected account "+id+"\n")
		assert.NotContains(t, see(), "waiting for the phone")
		assert.Empty(t, l.picture)
	})
}

// Where it is no terminal there is nothing to move up in.
func TestConnectReplacesThePicture(t *testing.T) {
	onDouble(t)
	synctest.Test(t, func(t *testing.T) {
		double := postpresstest.NewServer(postpresstest.WithReissue(postpresstest.ReissueAlways), postpresstest.WithAutoScan(80*time.Second))
		client := double.Client()
		defer double.Close()
		defer client.Close()
		var out, errs output
		l := linker{client: client, out: newScreen(&out), err: &errs}
		defer l.removePicture()
		assert.Equal(t, exitConnected, l.link(t.Context(), "", time.Hour), errs.String())
		paths := picture.FindAllStringSubmatch(out.String(), -1)
		require.GreaterOrEqual(t, len(paths), 2)
		assert.Equal(t, paths[0], paths[1], "the same file")
		assert.NotContains(t, out.String(), "\x1b")
	})
}
