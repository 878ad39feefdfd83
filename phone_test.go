package postpress_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

func TestNormalizePhoneNumber(t *testing.T) {
	for in, want := range map[string]string{
		"+33 6 12 34 56 78":               "33612345678",
		"33612345678":                     "33612345678",
		"  +33 6 12 34 56 78\t\n":         "33612345678",
		"+33-6-12-34-56-78":               "33612345678",
		"+33.6.12.34.56.78":               "33612345678",
		"+1 (415) 555-0132":               "14155550132",
		"1 (415) 555‑0132":                "14155550132", // a non-breaking hyphen
		"+44\u00a020\u20097946\u202f0018": "442079460018",
		"\u202a+33 6 12 34 56 78\u202c":   "33612345678", // as copied from a contact
		"+ 33 612345678":                  "33612345678",
		"(+33) 612345678":                 "33612345678",
		"+54 9 11 2345-6789":              "5491123456789", // not rewritten
		"+52 1 55 1234 5678":              "5215512345678",
		"1234567":                         "1234567",
		"123456789012345":                 "123456789012345",
	} {
		got, err := postpress.NormalizePhoneNumber(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got)
	}
}

func TestNormalizePhoneNumberRefuses(t *testing.T) {
	for in, why := range map[string]string{
		"":                      "must not be empty",
		"+":                     "must not be empty",
		" - ":                   "must not be empty",
		"06 12 34 56 78":        "begins with 0, so it lacks the country code",
		"+0612345678":           "begins with 0, so it lacks the country code",
		"0033 6 12 34 56 78":    "begins with 00: write a plus before the country code instead",
		"+33 (0)6 12 34 56 78":  "has a group that begins with 0 in parentheses",
		"+33 ( 0 )612345678":    "has a group that begins with 0 in parentheses",
		"+44 (020) 7946 0018":   "has a group that begins with 0 in parentheses",
		"123456":                "must have 7 to 15 digits",
		"1234567890123456":      "must have 7 to 15 digits",
		"+1 (415 555-0132":      "has parentheses that do not enclose one group",
		"+1 415) 555-0132":      "has parentheses that do not enclose one group",
		"+1 ((415)) 555-0132":   "has parentheses that do not enclose one group",
		"+1 () 415 555-0132":    "has parentheses that do not enclose one group",
		"33+612345678":          "has a plus that is not at its beginning",
		"++33612345678":         "has a plus that is not at its beginning",
		"+٣٣٦١٢٣٤٥٦٧٨":          "must be written with the digits 0 to 9",
		"+33 6 12 34 56 78 x9":  "must hold digits and punctuation only",
		"tel:+33612345678":      "must hold digits and punctuation only",
		"33612345678@c.us":      "must hold digits and punctuation only",
		"+33 6 12 34 56 78\xff": "must hold digits and punctuation only",
	} {
		_, err := postpress.NormalizePhoneNumber(in)
		var bad *postpress.PhoneNumberError
		require.ErrorAs(t, err, &bad, in)
		assert.Contains(t, bad.Error(), "postpress: the phone number "+why, in)
		assert.NotRegexp(t, regexp.MustCompile(`612345|555|7946`), bad.Error())
	}
}
