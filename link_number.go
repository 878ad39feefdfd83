package postpress

import (
	"slices"
	"strings"
)

// sameNumber tells whether two numbers, of digits only, reach the same phone.
// Three countries write their mobile numbers in several ways, and WhatsApp keeps to
// none of them: Argentina with a 9 after the country code, or with 15 after the
// area code, or neither; Mexico with a 1 or without; Brazil with a ninth digit, or
// as before it was introduced.
func sameNumber(a, b string) bool {
	return slices.ContainsFunc(spellings(a), func(s string) bool { return slices.Contains(spellings(b), s) })
}

// spellings are the shortest forms that a number may be a longer form of: more
// than one where it is not known how long the area code is.
func spellings(number string) []string {
	number = strings.TrimPrefix(number, "+")
	switch {
	case strings.HasPrefix(number, "54"):
		return argentine(number)
	case strings.HasPrefix(number, "521") && len(number) == 13:
		return []string{"52" + number[3:]}
	case strings.HasPrefix(number, "55") && len(number) == 13 && number[4] == '9' && number[5] >= '6':
		return []string{number[:4] + number[5:]} // of the numbers that are older than the ninth digit
	}
	return []string{number}
}

// argentine numbers have ten digits, area code included, after what is there for mobiles only.
func argentine(number string) []string {
	national := number[2:]
	if len(national) > 10 {
		national = strings.TrimPrefix(national, "9")
	}
	if len(national) != 12 {
		return []string{"54" + national}
	}
	var all []string
	for _, area := range []int{2, 3, 4} {
		buenosAires := strings.HasPrefix(national, "11")
		if national[area:area+2] == "15" && buenosAires == (area == 2) {
			all = append(all, "54"+national[:area]+national[area+2:])
		}
	}
	if all == nil {
		return []string{"54" + national}
	}
	return all
}
