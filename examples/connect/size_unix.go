//go:build linux || darwin || freebsd

package main

import (
	"syscall"
	"unsafe"
)

// windowSize asks the terminal. golang.org/x/term does the same, at the price
// of a dependency in the module that users of the library inherit.
func windowSize(fd uintptr) (columns, rows int, ok bool) {
	var size struct{ rows, columns, x, y uint16 }
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	return int(size.columns), int(size.rows), errno == 0
}
