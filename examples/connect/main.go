// Connect links a WhatsApp account from the terminal: it shows a QR code, or
// with -phone a pairing code, and waits until the account is connected.
//
// With POSTPRESS_API_KEY in the environment it talks to the API; without, to
// a double of it inside the program, which also plays the phone.
//
// Exit codes: 0 connected, 1 failed, 2 wrong usage, 3 nobody linked the account
// in time, 130 interrupted. In the last two cases the account that was created
// is deleted again, or named where that is not possible.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

const (
	exitConnected   = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotInTime   = 3
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("connect", flag.ContinueOnError)
	flags.SetOutput(stderr)
	number := flags.String("phone", "", "link with a pairing code for this `number`, such as +33612345678, instead of a QR code")
	timeout := flags.Duration("timeout", 5*time.Minute, "give up after this time")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitConnected
	case err != nil:
		return exitUsage
	case flags.NArg() > 0 || *timeout <= 0:
		fmt.Fprintln(stderr, "connect: takes no arguments, and a -timeout above 0")
		return exitUsage
	}

	client, phone, done, err := newClient(stdout)
	if err != nil {
		fmt.Fprintln(stderr, "connect:", err)
		return exitUsage
	}
	defer done()
	l := linker{client: client, out: newScreen(stdout), err: stderr, phone: phone}
	defer l.removePicture()
	return l.link(ctx, *number, *timeout)
}

// newClient talks to the API where there is a key, otherwise to a double of it.
func newClient(out io.Writer) (_ *postpress.Client, phone func(*postpress.Checkpoint), done func(), err error) {
	if os.Getenv("POSTPRESS_API_KEY") != "" {
		client, err := postpress.NewFromEnv(postpress.WithApplication("postpress-connect", postpress.Version))
		if err != nil {
			return nil, nil, nil, err
		}
		return client, nil, client.Close, nil
	}
	fmt.Fprintln(out, "POSTPRESS_API_KEY is not set: this runs on a double of the API inside the program,")
	fmt.Fprintln(out, "which scans the code by itself after a moment. Your phone is not involved.")
	double := postpresstest.NewServer(
		postpresstest.WithConnectDelay(500 * time.Millisecond),
	)
	client := double.Client()
	phone = func(c *postpress.Checkpoint) {
		if c.PairingCode != "" {
			_ = double.EnterPairingCode(c.AccountID, string(c.PairingCode))
		} else {
			_ = double.Scan(c.AccountID)
		}
	}
	return client, phone, func() { client.Close(); double.Close() }, nil
}
