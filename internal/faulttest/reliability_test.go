package faulttest

import (
	"flag"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/reliability.md")

const document = "../../docs/reliability.md"

// TestFaults checks each call with each fault: it ends, the error says what to do, the
// counts are true, nothing is left behind and no secret is told.
func TestFaults(t *testing.T) {
	_ = faults() // makes the sockets that live as long as the process
	before := openFiles()
	for _, o := range results() {
		t.Run(o.name(), func(t *testing.T) {
			for _, p := range o.problems {
				t.Error(p)
			}
			if o.once {
				assert.NoError(t, o.err, "it strikes only once, and the call can be repeated")
			}
		})
	}
	assert.True(t, eventually(patience, func() bool { return openFiles() <= before }), "descriptors: %d before, %d after", before, openFiles())
}

// TestReliabilityTable compares docs/reliability.md with what the suite has found.
func TestReliabilityTable(t *testing.T) {
	text := intro + bounds(t) + "\n## When it happens once\n\n" + introOnce + passing(results()) +
		"\n## When it lasts\n" + table(results()) + "\n" + footer + madeWith() + ".\n"
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(text), 0o644))
		return
	}
	have, err := os.ReadFile(document)
	require.NoError(t, err)
	if !strings.HasSuffix(strings.TrimSpace(string(have)), madeWith()+".") {
		t.Skipf("some texts are those of net/http and of the system, and the file was not made with %s", madeWith())
	}
	assert.Equal(t, string(have), text, "go test -run TestReliabilityTable -update writes it anew")
}

var minor = regexp.MustCompile(`go1\.[0-9]+`)

func madeWith() string { return minor.FindString(runtime.Version()) + " on " + runtime.GOOS }

const (
	intro = `# Reliability

What a program gets from this library when the network, or the other side of it, misbehaves. Every line is the result
of a test over real sockets (` + "`internal/faulttest`" + `), which writes this file and fails when it is no longer true.

For every line the test has also checked that

- the call ends by itself, without a deadline of the caller;
- what to do follows from ` + "`errors.Is` and `errors.As`" + ` alone, never from the text (the last column is computed so);
- the error counts as many requests as the server has seen, where it has seen any;
- after ` + "`Close`" + ` no goroutine, connection or file descriptor is left;
- no API key, phone number, pairing code or QR text is in any text, log record or wrapped error, although the answers of the
  test are full of them.

## How to read it

- **call**: *starts* are ` + "`ConnectAccount`, `StartWhatsAppQR` and `LinkWhatsApp`" + `. They change something, so where their
  request may have been carried out the error matches ` + "`ErrUnknownOutcome`" + `. Every attempt carries the same idempotency key.
  The first two differ only in how they read an answer, so where none comes the one is tested in place of both.
- **what you get**: the type of the error, and its text without the call, which it begins with. "…" stands for addresses and times.
- **errors.Is**: the sentinels that match. Empty: the type alone, found with ` + "`errors.As`" + `, tells.
- **requests sent**: as seen by the server. "1 per look": a wait goes on looking until its own deadline.
- **success** is no misprint: what could be repeated, or read all the same, is no error.

`
	introOnce = `The fault strikes once, and all is well afterwards: then there is no error. (` + "`LinkWhatsApp`" + ` is struck while it
waits for the person, its third request is the second look.) net/http itself repeats what an HTTP/2 server says it has not
seen, as long as one attempt may take.

`
	footer = `## What is not here

The 404 of a wait has a grace of 15 s, the end of a linking attempt has looks of its own: those are tested with a clock
that is not the real one, beside the code. What the 408, 400 and 500 of an authentication that has ended mean is in the
documentation of ` + "`WaitForConnection`" + `.

Texts are those of `
)
