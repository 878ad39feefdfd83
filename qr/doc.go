// Package qr draws the text of a QR code as a PNG, as an SVG or in a terminal.
// For a checkpoint of package postpress the text is string(checkpoint.QRCode).
//
// It draws black modules (the small squares) on white and always leaves a quiet
// zone of four white modules on every side, on dark pages and dark terminals
// too: phones may refuse a code without it. Do not crop or invert the pictures.
//
// The error correction level is M in pictures, which then survive glare and
// dirt, and L in a terminal, where a smaller code matters more. A text of 277
// bytes makes a picture of 73×73 modules, quiet zone included, or 69 columns by
// 35 rows of terminal cells.
//
// # The text is a secret
//
// Whoever reads the text of a linking code, or a picture of it, can link the
// account. Never log either, never put the text in a URL, and never send it to
// a service that draws codes. Give files mode 0600:
//
//	f, err := os.OpenFile("code.png", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
//
// Serve pictures with Cache-Control: no-store. Errors of this package never
// contain the text.
//
// # Errors and concurrency
//
// Input that cannot be drawn is an [*InputError], returned before anything is
// written. Each output is composed in memory and handed over in one Write, whose
// error is returned unchanged. All functions may be called concurrently; the
// package keeps no state.
package qr
