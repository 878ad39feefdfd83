// Replicas is a backend of two processes behind a balancer, all on loopback. A
// browser links a WhatsApp account through the one, the webhook of the API lands on
// the other, and a status bus carries the news across:
//
//	go run .                          # from this directory: over NATS, inside the program
//	go run . -nats nats://127.0.0.1:4222
//	go run . -redis redis://127.0.0.1:6379
//	go run . -redis redis://127.0.0.1:6379 -kill
//
// With Redis the replicas share their linking attempts too, so that -kill may end
// the one that waits, in the middle: the other one goes on. It prints the path that the
// news took, and the time it needed.
//
// It always talks to a double of the API inside the program, which delivers real
// webhooks and plays the phone: no key is needed, and your phone is not involved.
//
// What is worth copying is in replica.go: what each process of a backend does.
//
// Exit codes: 0 connected, 1 failed, 2 wrong usage, 130 interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postpress-ai/postpress-go/postpresstest"
)

const (
	exitConnected   = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := exitConnected
	if len(os.Args) == 2 && os.Args[1] == replicaArg {
		code = runReplica(ctx, os.Stdin, os.Stdout, os.Stderr)
	} else {
		p := program{
			out: &lines{to: os.Stdout, began: time.Now()}, errs: os.Stderr,
			scanShow: 1, scanAfter: 1500 * time.Millisecond, connectDelay: time.Second,
		}
		code = p.run(ctx, os.Args[1:])
	}
	stop()
	os.Exit(code)
}

// program is what differs between main and a test of it.
type program struct {
	out  *lines
	errs io.Writer

	double                  []postpresstest.Option
	scanShow                int           // which code that is shown the phone scans, from 1
	scanAfter, connectDelay time.Duration // of the phone
}

// settings are the flags.
type settings struct {
	redis, nats string // URLs; both empty: a NATS of the program's own
	kill        bool
	timeout     time.Duration
}

func (p *program) run(ctx context.Context, args []string) int {
	set, err := p.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitConnected
	case err != nil:
		return exitUsage
	}
	limited, cancel := context.WithTimeout(ctx, set.timeout)
	defer cancel()
	s := session{program: p, settings: set}
	err = s.run(limited)
	switch {
	case err == nil:
		return exitConnected
	case ctx.Err() != nil:
		fmt.Fprintln(p.errs, "replicas: interrupted")
		return exitInterrupted
	}
	fmt.Fprintln(p.errs, "replicas:", err)
	return exitFailed
}

func (p *program) parse(args []string) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("replicas", flag.ContinueOnError)
	flags.SetOutput(p.errs)
	flags.StringVar(&set.redis, "redis", "", "use the Redis at this `URL`, for the bus and for the attempts")
	flags.StringVar(&set.nats, "nats", "", "use the NATS at this `URL` instead of one inside the program")
	flags.BoolVar(&set.kill, "kill", false, "kill the replica that waits, before the phone scans; with -redis")
	flags.DurationVar(&set.timeout, "timeout", time.Minute, "give up after this time")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	var err error
	switch {
	case flags.NArg() > 0 || set.timeout <= 0:
		err = errors.New("takes no arguments, and a -timeout above 0")
	case set.redis != "" && set.nats != "":
		err = errors.New("takes -redis or -nats, not both")
	case set.kill && set.redis == "":
		err = errors.New("-kill needs -redis: without a shared store, an attempt ends with its process")
	case set.redis != "":
		if _, bad := redis.ParseURL(set.redis); bad != nil {
			err = errors.New("the URL of -redis cannot be read") // the error would quote it
		}
	}
	if err != nil {
		fmt.Fprintln(p.errs, "replicas:", err)
	}
	return set, err
}

// lines are printed whole, with the time since the beginning, by any goroutine.
type lines struct {
	mu    sync.Mutex
	to    io.Writer
	began time.Time
}

func (l *lines) say(who, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.to, "%6.2fs  %-10s %s\n", time.Since(l.began).Seconds(), who+":", fmt.Sprintf(format, args...))
}
