// Package faulttest breaks the network under the client, over real sockets, and
// checks what callers get: that the error tells what to do, that nothing hangs or
// leaks, and that no secret is in a text. Its results are docs/reliability.md:
//
//	go test -run TestReliabilityTable -update
//
// It is a module of its own, so that its table can be made without the rest.
package faulttest
