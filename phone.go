package postpress

import (
	"strings"
	"unicode"
)

// PhoneNumberError says why a text is no phone number to dial. It never holds
// the number.
type PhoneNumberError struct {
	Problem string // what is wrong and what would be right
}

// Error implements error.
func (e *PhoneNumberError) Error() string { return "postpress: the phone number " + e.Problem }

// Unwrap gives the *ArgumentError that every other bad argument is.
func (e *PhoneNumberError) Unwrap() error { return &ArgumentError{"phoneNumber", e.Problem} }

// NormalizePhoneNumber turns an international phone number as people write it,
// "+33 6 12 34 56 78", into what the API takes, "33612345678". It accepts a
// leading plus, spaces, dashes, dots, parentheses around a group of digits, and
// the invisible marks that come along when a number is copied from a contact.
// It refuses, with a *PhoneNumberError, whatever it would have to guess: a
// number that begins with 0 or 00, and a group that does, such as (0), which is
// dialled inside a country only. Numbers are not rewritten by the customs of any
// country.
func NormalizePhoneNumber(s string) (string, error) {
	digits, err := phoneDigits(s)
	if err != nil {
		return "", err
	}
	switch n := len(digits); {
	case n == 0:
		return "", &PhoneNumberError{"must not be empty"}
	case strings.HasPrefix(digits, "00"):
		return "", &PhoneNumberError{"begins with 00: write a plus before the country code instead"}
	case digits[0] == '0':
		return "", &PhoneNumberError{"begins with 0, so it lacks the country code: write that instead of the 0, such as +33 for France"}
	case n < 7 || n > 15:
		return "", &PhoneNumberError{"must have 7 to 15 digits, the country code included"}
	}
	return digits, nil
}

// phoneDigits takes the digits out of the punctuation.
func phoneDigits(s string) (string, error) {
	var digits strings.Builder
	group := -1 // where the open parenthesis began, in digits
	plus := false
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			if r == '0' && group == digits.Len() {
				return "", &PhoneNumberError{"has a group that begins with 0 in parentheses, which is dialled inside the country only: leave that 0 out"}
			}
			digits.WriteRune(r)
		case r == '(' && group < 0:
			group = digits.Len()
		case r == ')' && group >= 0 && group < digits.Len():
			group = -1
		case r == '+' && !plus && digits.Len() == 0:
			plus = true
		case r == '-' || r == '.' || unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf):
		case r == '(' || r == ')':
			return "", &PhoneNumberError{"has parentheses that do not enclose one group of digits"}
		case r == '+':
			return "", &PhoneNumberError{"has a plus that is not at its beginning"}
		case unicode.IsDigit(r):
			return "", &PhoneNumberError{"must be written with the digits 0 to 9"}
		default:
			return "", &PhoneNumberError{"must hold digits and punctuation only"}
		}
	}
	if group >= 0 {
		return "", &PhoneNumberError{"has parentheses that do not enclose one group of digits"}
	}
	return digits.String(), nil
}

// isWireNumber holds for what the API takes.
func isWireNumber(s string) bool {
	digits, err := NormalizePhoneNumber(s)
	return err == nil && digits == s
}
