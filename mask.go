package postpress

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// masker hides from the API's words what must not reach a log: the key, and
// what the API may repeat from a request or an answer.
type masker struct{ apiKey string }

const (
	maxRunes    = 500 // of Title or Detail
	sampleRunes = 120
	maxBytes    = 8 << 10 // looked at for either
)

var (
	// A word is kept whole, so that a number is told from a piece of an id such as a UUID.
	word = regexp.MustCompile(`[0-9A-Za-z_-]+`)
	// A phone number on the wire, or a pairing code.
	secretWord = regexp.MustCompile(`^-*([0-9]{7,15}|[0-9A-Z]{4}-[0-9A-Z]{4})-*$`)
	// A phone number as people write it, a QR text of either form, or what is too long for a word.
	secretText = regexp.MustCompile(`\+[0-9][0-9 ().-]{5,}[0-9]|(?:2@|linked_devices#)[!#-&(-;=?-~]+|[!#-&(-;=?-~]{80,}`)
	// The fields of this API whose values are secret.
	secretField = regexp.MustCompile(`(?i)("(?:qr_?code|pairing_?code|[a-z_]*phone[a-z_]*|name|username|password)"\s*:\s*")[^"]*`)
)

// words makes one line of at most limit runes of the API's words. It shortens
// last: half a secret would not be known as one.
func (m *masker) words(s string, limit int) string {
	s = m.withoutKey(oneLine(beginning(s)))
	s = secretText.ReplaceAllString(s, redacted)
	s = word.ReplaceAllStringFunc(s, func(w string) string {
		if secretWord.MatchString(w) {
			return redacted
		}
		return w
	})
	return cut(s, limit)
}

// sample is the beginning of a body on one line, without the tags of HTML and
// the values of secret fields.
func (m *masker) sample(body []byte) string {
	s := string(body[:min(len(body), 8*maxBytes)])
	if isPage(body) {
		s = withoutTags(s)
	}
	s = beginning(strings.TrimSpace(s))
	return m.words(secretField.ReplaceAllString(s, "${1}"+redacted), sampleRunes)
}

// id keeps an id whole, which may look like a phone number.
func (m *masker) id(s string) string { return shorten(m.withoutKey(oneLine(beginning(s)))) }

func (m *masker) withoutKey(s string) string {
	if len(m.apiKey) < 8 { // nobody's key, and part of many words
		return s
	}
	return strings.ReplaceAll(s, m.apiKey, redacted)
}

// beginning ends before a word that it would cut.
func beginning(s string) string {
	if len(s) <= maxBytes {
		return s
	}
	return s[:max(0, strings.LastIndexAny(s[:maxBytes], " \t\r\n\"<>"))]
}

// cause hides from the network's words what must not reach a log: net/http quotes
// what it could not read, which may be the body of an answer that lost its head.
func (m *masker) cause(err error) error {
	text := err.Error()
	if words := m.words(text, maxRunes); words != text {
		return &maskedError{words, err}
	}
	return err
}

// maskedError is err with another text. It does not unwrap, since what it holds
// would print the secret; errors.Is and errors.As look into it all the same.
type maskedError struct {
	text string
	err  error
}

func (e *maskedError) Error() string             { return e.text }
func (e *maskedError) Is(target error) bool      { return errors.Is(e.err, target) }
func (e *maskedError) As(target any) bool        { return errors.As(e.err, target) }
func (e maskedError) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.text) }
