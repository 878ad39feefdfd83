package qr

// InputError is the error for input that cannot be drawn. Nothing has been
// written. It never contains the text of the code.
type InputError struct {
	Field   string // the input: "w", "text", "size", "scale" or "level"
	Problem string // what is wrong with it and what would be right
}

// Error returns the field and the problem.
func (e *InputError) Error() string {
	return "qr: " + e.Field + ": " + e.Problem
}

// ErrTooLong is the [*InputError] for a text that does not fit into the largest
// code at its level. Test for it with errors.Is.
var ErrTooLong error = &InputError{"text", "too long: a code holds 2953 bytes at LevelL, 2331 at LevelM, 1663 at LevelQ, 1273 at LevelH"}
