package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// screen writes to a terminal in place, or to anything else line by line.
type screen struct {
	w        io.Writer
	terminal bool
	size     func() (columns, rows int, ok bool)
	block    int  // lines since mark
	marked   bool // there is something to replace
	status   bool // the last line is the status
}

func newScreen(w io.Writer) *screen {
	s := &screen{w: w, size: func() (columns, rows int, ok bool) { return 0, 0, false }}
	if f, isFile := w.(*os.File); isFile {
		s.size = func() (columns, rows int, ok bool) { return windowSize(f.Fd()) }
	}
	_, _, s.terminal = s.size()
	return s
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.line("")
	s.block += bytes.Count(p, []byte("\n"))
	return s.w.Write(p)
}

// mark is where replace begins.
func (s *screen) mark() { s.block, s.marked = 0, true }

// replace removes what was written since mark, where that is possible.
func (s *screen) replace() {
	s.line("")
	if s.terminal && s.marked && s.block > 0 {
		fmt.Fprintf(s.w, "\x1b[%dA\x1b[J", s.block)
	}
	s.mark()
}

// line shows text as the last line, in the place of the one before; empty for
// none. It is only for a terminal: elsewhere it would be a line a second.
func (s *screen) line(text string) {
	if !s.terminal || text == "" && !s.status {
		return
	}
	fmt.Fprintf(s.w, "\r\x1b[K%s", text)
	s.status = text != ""
}
