package statusbustest

import (
	"runtime"
	"strings"
)

// goroutines opens and closes buses. Clients may start goroutines of their own
// when they are first used, so only what grows with every bus is a failure.
func goroutines(e *env) {
	const n = 10
	e.useOnce()
	e.useOnce()
	before := running()
	for range n {
		e.useOnce()
	}
	e.noneLeft(before, n)
}

func (e *env) useOnce() {
	e.Helper()
	b := e.bus()
	e.fence([]Bus{b})
	e.close(b)
}

// noneLeft waits until no line of code has n goroutines that did not run before.
func (e *env) noneLeft(before map[string]string, n int) {
	e.Helper()
	ctx, cancel := e.patience()
	defer cancel()
	for {
		line, more := grown(before, running())
		if more < n {
			return
		}
		if pause(ctx) != nil {
			e.fatalf("no goroutine is left of a closed bus, or of one that could not be made: there are %d more created by %s", more, line)
		}
	}
}

// grown returns the line that started most of the new goroutines.
func grown(before, after map[string]string) (line string, more int) {
	counts := make(map[string]int)
	for id, l := range after {
		if _, old := before[id]; old {
			continue
		}
		if counts[l]++; counts[l] > more {
			line, more = l, counts[l]
		}
	}
	return line, more
}

// running returns the goroutines of the process by their number, each with the
// function and the line that started it. An entry of a stack dump begins with
// "goroutine 7 [", and ends with "created by f in goroutine 1\n\tfile:line".
func running() map[string]string {
	all := make(map[string]string)
	for _, stack := range strings.Split(stacks(), "\n\n") {
		id, _, _ := strings.Cut(stack, " [")
		_, creator, _ := strings.Cut(stack, "\ncreated by ")
		function, rest, _ := strings.Cut(creator, " in goroutine ")
		_, line, _ := strings.Cut(rest, "\n\t")
		all[id] = strings.TrimSpace(function + " " + line)
	}
	return all
}

func stacks() string {
	for buf := make([]byte, 1<<20); ; buf = make([]byte, 2*len(buf)) {
		if n := runtime.Stack(buf, true); n < len(buf) {
			return string(buf[:n])
		}
	}
}
