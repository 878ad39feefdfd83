package postpress

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Secret is text that must not be seen by whoever reads a log: the text of a
// QR code or a pairing code (whoever has it can link an account), a password,
// a phone number. Every fmt verb and slog print [redacted]; string(s) and
// encoding/json give the text. The zero value is the empty text.
//
// What holds a Secret is printed without it too, with two exceptions that no type can
// prevent: fmt does not ask the unexported fields of your own structs how to print
// them, and slog's JSON handler writes the elements of a slice, map or struct
// by encoding/json. Log a Checkpoint or an Account itself, or a pointer to it.
type Secret string

const redacted = "[redacted]"

// Format implements fmt.Formatter: whatever the verb, it prints [redacted].
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// fields is what a type with secrets in it (its raw JSON, for one) shows of
// itself, whatever the verb and whichever the logger.
type fields []slog.Attr

func (fs fields) format(f fmt.State, name string) {
	_, _ = io.WriteString(f, name+"{")
	for i, a := range fs {
		if i > 0 {
			_, _ = io.WriteString(f, " ")
		}
		_, _ = io.WriteString(f, a.Key+":"+shorten(oneLine(a.Value.String())))
	}
	_, _ = io.WriteString(f, "}")
}

func (fs fields) logValue() slog.Value { return slog.GroupValue(fs...) }

// wireTime is how the API writes times: ISO 8601, UTC, with milliseconds.
const wireTime = "2006-01-02T15:04:05.000Z"

// readTime is a time of the API; one that does not parse is the zero time.
type readTime struct{ time.Time }

func (t *readTime) UnmarshalJSON(data []byte) error {
	if t.Time.UnmarshalJSON(data) != nil {
		t.Time = time.Time{}
	}
	t.Time = t.UTC()
	return nil
}
