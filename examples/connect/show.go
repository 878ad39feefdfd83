package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/qr"
)

// show prints the challenge, in the place of the one before: a pairing code in
// words, a QR code in the terminal or, where that is too small or none at all, as a
// picture in a file.
func (l *linker) show(c *postpress.Checkpoint) error {
	l.out.replace()
	until := time.Until(c.ExpiresAt).Round(time.Second)
	if c.PairingCode != "" {
		fmt.Fprintf(l.out, "\nPairing code:  %s\n\n", string(c.PairingCode))
		fmt.Fprintln(l.out, "On the phone: WhatsApp → Settings → Linked devices → Link a device →")
		fmt.Fprintf(l.out, "Link with phone number instead. Type the code within about %v.\n\n", until)
		return nil
	}
	where, err := l.drawQR(string(c.QRCode))
	if err != nil {
		return err
	}
	fmt.Fprintln(l.out, "On the phone: WhatsApp → Settings → Linked devices → Link a device.")
	fmt.Fprintf(l.out, "Scan the code %s within about %v.\n\n", where, until)
	return nil
}

func (l *linker) drawQR(text string) (where string, err error) {
	columns, rows, err := qr.TerminalSize(text)
	if err != nil {
		return "", err
	}
	width, height, isTerminal := l.out.size()
	if isTerminal && width >= columns && height > rows {
		fmt.Fprintln(l.out)
		return "above", qr.Terminal(l.out, text)
	}
	if isTerminal {
		fmt.Fprintf(l.out, "\nThe QR code needs a terminal of %d×%d, this one has %d×%d.\n", columns, rows+1, width, height)
	}
	if err := l.writePicture(text); err != nil {
		return "", err
	}
	fmt.Fprintf(l.out, "\nQR code: %s\n\n", l.picture)
	return "in that file", nil
}

// writePicture makes a file that only its owner can read: whoever sees the
// code can link the account. A new code replaces the old one in the same file, at
// once for whoever looks.
func (l *linker) writePicture(text string) error {
	f, err := os.CreateTemp("", "postpress-*.svg") // mode 0600
	if err != nil {
		return err
	}
	if err := errors.Join(qr.SVG(f, text), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if l.picture == "" {
		l.picture = f.Name()
		return nil
	}
	return os.Rename(f.Name(), l.picture)
}

func (l *linker) removePicture() {
	if l.picture != "" {
		_ = os.Remove(l.picture)
	}
}
