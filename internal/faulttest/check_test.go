package faulttest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/postpress-ai/postpress-go"
)

// checkError holds for every error of every call: a type to ask, a text for people
// on one line, something to do, and no secret however it is printed.
func (o *outcome) checkError() {
	if o.err == nil {
		return
	}
	text := o.err.Error()
	if !typed(o.err) {
		o.complain("%T is none of the documented errors", o.err)
	}
	if advice(o.err) == "" {
		o.complain("nothing to do follows from the error: %s", text)
	}
	if !strings.HasPrefix(text, "postpress: ") || strings.ContainsAny(text, "\n\r\t\x00\x1b") || len(text) > 1200 {
		o.complain("not a text for people: %q", text)
	}
	for _, e := range tree(o.err) {
		if found := secretsIn(strings.Join(prints(e), "\n")); len(found) > 0 {
			o.complain("%T prints the secrets %q: %v", e, found, e)
		}
	}
}

func typed(err error) bool {
	var (
		answer *postpress.APIError
		none   *postpress.RequestError
		start  *postpress.StartError
		wait   *postpress.WaitError
		link   *postpress.LinkError
	)
	return errors.As(err, &answer) || errors.As(err, &none) || errors.As(err, &start) || errors.As(err, &wait) || errors.As(err, &link)
}

// tree is an error and all it wraps: people print those as well.
func tree(err error) []error {
	all := []error{err}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			all = append(all, tree(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			all = append(all, tree(inner)...)
		}
	}
	return all
}

func prints(err error) []string {
	var text, asJSON bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Error("failed", "err", err)
	slog.New(slog.NewJSONHandler(&asJSON, nil)).Error("failed", "err", err)
	if _, ours := err.(interface{ Is(error) bool }); !ours {
		return []string{err.Error(), text.String(), asJSON.String()} // %#v of a stranger is the stranger's
	}
	return []string{
		err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), fmt.Sprintf("%q", err),
		text.String(), asJSON.String(),
	}
}

var runLabel = regexp.MustCompile(`"run":"([0-9]+)"`)

// leakedGoroutines are those that a run has started and that do not end, by its id.
// Goroutines inherit the label of whoever starts them, those of net/http as well.
func leakedGoroutines(longest time.Duration) map[string]string {
	var left map[string]string
	eventually(longest, func() bool {
		left = map[string]string{}
		var all bytes.Buffer
		_ = pprof.Lookup("goroutine").WriteTo(&all, 1)
		for stack := range strings.SplitSeq(all.String(), "\n\n") {
			if id := runLabel.FindStringSubmatch(stack); id != nil {
				left[id[1]] = stack
			}
		}
		return len(left) == 0
	})
	return left
}

// openFiles counts the descriptors of this process; -1 where the system does not tell.
func openFiles() int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(all)
}
