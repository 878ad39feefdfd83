package qr_test

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"github.com/postpress-ai/postpress-go/qr"
)

const text = "https://example.com/not-a-real-code"

// A file holding a code is readable by its owner only.
func ExamplePNG() {
	dir, err := os.MkdirTemp("", "qr")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	f, err := os.OpenFile(filepath.Join(dir, "code.png"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	if err := qr.PNG(f, text); err != nil {
		fmt.Println(err)
		return
	}

	if _, err := f.Seek(0, 0); err != nil {
		fmt.Println(err)
		return
	}
	picture, err := png.DecodeConfig(f)
	fmt.Println(picture.Width, picture.Height, err)
	// Output: 296 296 <nil>
}

func ExampleSVG() {
	var page bytes.Buffer
	if err := qr.SVG(&page, text, qr.WithSize(300), qr.WithLabel("Link your phone")); err != nil {
		fmt.Println(err)
		return
	}
	start, _, _ := strings.Cut(page.String(), "<rect")
	fmt.Println(strings.ReplaceAll(start, "><", ">\n<"))
	// Output:
	// <svg xmlns="http://www.w3.org/2000/svg" role="img" width="300" height="300" viewBox="0 0 37 37" shape-rendering="crispEdges">
	// <title>Link your phone</title>
}

// Show a code in a terminal and draw the next one over it.
func ExampleTerminal() {
	var screen bytes.Buffer // os.Stdout in a program
	_, rows, err := qr.TerminalSize(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 2 {
		if i > 0 {
			fmt.Fprintf(&screen, "\x1b[%dA", rows) // cursor up
		}
		if err := qr.Terminal(&screen, text); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(bytes.Count(screen.Bytes(), []byte("\n")), "lines")
	// Output: 38 lines
}

// Ask for the size before printing into a terminal that may be too small.
func ExampleTerminalSize() {
	columns, rows, err := qr.TerminalSize(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	const width, height = 80, 24 // ask the terminal
	fits := columns <= width && rows < height
	fmt.Println(columns, rows, fits)
	// Output: 37 19 true
}

func ExampleDataURI() {
	uri, err := qr.DataURI(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(uri[:22])
	// Output: data:image/png;base64,
}

// 300 pixels for 37 modules: 8 each, and 2 more on every side.
func ExampleWithSize() {
	var buf bytes.Buffer
	if err := qr.PNG(&buf, text, qr.WithSize(300)); err != nil {
		fmt.Println(err)
		return
	}
	picture, err := png.DecodeConfig(&buf)
	fmt.Println(picture.Width, picture.Height, err)
	// Output: 300 300 <nil>
}

func ExampleWithLabel() {
	var page strings.Builder
	if err := qr.SVG(&page, text, qr.WithLabel("Tom & Ann's phone")); err != nil {
		fmt.Println(err)
		return
	}
	_, rest, _ := strings.Cut(page.String(), "<title>")
	label, _, _ := strings.Cut(rest, "</title>")
	fmt.Println(label)
	// Output: Tom &amp; Ann&#39;s phone
}

func ExampleWithScale() {
	var buf bytes.Buffer
	if err := qr.PNG(&buf, text, qr.WithScale(4)); err != nil {
		fmt.Println(err)
		return
	}
	picture, err := png.DecodeConfig(&buf)
	fmt.Println(picture.Width, picture.Height, err)
	// Output: 148 148 <nil>
}

func ExampleWithLevel() {
	columns, rows, err := qr.TerminalSize(text, qr.WithLevel(qr.LevelH))
	fmt.Println(columns, rows, err)
	// Output: 45 23 <nil>
}

func ExampleInputError() {
	_, err := qr.DataURI(text, qr.WithSize(20))
	var input *qr.InputError
	if errors.As(err, &input) {
		fmt.Println(input.Field)
		fmt.Println(input.Problem)
	}
	_, err = qr.DataURI(strings.Repeat(text, 100))
	fmt.Println(errors.Is(err, qr.ErrTooLong))
	// Output:
	// size
	// 20 pixels is too small: this code needs at least 37
	// true
}
