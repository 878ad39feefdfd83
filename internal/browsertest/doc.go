// Package browsertest drives examples/web with a real browser. It is a module of
// its own, so that nobody who uses the SDK inherits the browser's protocol.
package browsertest
