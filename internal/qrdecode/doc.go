// Package qrdecode holds only tests: two independent decoders read what package
// qr draws. It is a module of its own, so that users of the SDK do not inherit
// the decoders.
package qrdecode
