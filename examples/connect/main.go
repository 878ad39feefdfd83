// Connect links a WhatsApp account from the terminal: it shows a QR code, or
// with -phone a pairing code, and waits until the account is connected.
//
// With POSTPRESS_API_KEY in the environment it talks to the API; without, to
// a double of it inside the program, which also plays the phone.
//
// Exit codes: 0 connected, 1 failed, 2 wrong usage, 3 nobody linked the account
// in time, 130 interrupted.
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
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("connect", flag.ContinueOnError)
	flags.SetOutput(stderr)
	phone := flags.String("phone", "", "link with a pairing code for this `number`, such as +33612345678, instead of a QR code")
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

	client, done, err := newClient(stdout)
	if err != nil {
		fmt.Fprintln(stderr, "connect:", err)
		return exitUsage
	}
	defer done()
	l := linker{client: client, out: stdout, phone: *phone, timeout: *timeout}
	defer l.removePicture()
	err = l.link(ctx)
	if err == nil {
		return exitConnected
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	fmt.Fprintln(stderr, "connect:", err)
	return l.explain(ctx, err, stderr)
}

// newClient talks to the API where there is a key, otherwise to a double of it.
func newClient(out io.Writer) (_ *postpress.Client, done func(), err error) {
	if os.Getenv("POSTPRESS_API_KEY") != "" {
		client, err := postpress.NewFromEnv(postpress.WithApplication("postpress-connect", postpress.Version))
		if err != nil {
			return nil, nil, err
		}
		return client, client.Close, nil
	}
	fmt.Fprintln(out, "POSTPRESS_API_KEY is not set: this runs on a double of the API inside the program,")
	fmt.Fprintln(out, "which scans the code by itself after a moment. Your phone is not involved.")
	double := postpresstest.NewServer(
		postpresstest.WithAutoScan(1500*time.Millisecond),
		postpresstest.WithConnectDelay(time.Second),
		postpresstest.WithHold(500*time.Millisecond), // shorter than the API, to show each status
	)
	client := double.Client()
	return client, func() { client.Close(); double.Close() }, nil
}

// linker links one account and tells about it on out.
type linker struct {
	client  *postpress.Client
	out     io.Writer
	phone   string
	timeout time.Duration
	pending string // account id, as long as it is not connected
	picture string // path of the QR code's file, if there is one
}

func (l *linker) link(ctx context.Context) error {
	began := time.Now()
	checkpoint, err := l.start(ctx)
	if err != nil {
		return err
	}
	l.pending = checkpoint.AccountID
	if err := l.show(checkpoint); err != nil {
		return err
	}
	account, err := l.client.WaitForConnection(ctx, checkpoint.AccountID,
		postpress.WithWaitTimeout(l.timeout), postpress.WithProgress(l.progress()))
	if err != nil {
		return err
	}
	l.pending = ""
	fmt.Fprintf(l.out, "\nConnected account %s\n  phone number  +%s\n  time taken    %v\n",
		account.ID, account.PhoneNumber(), time.Since(began).Round(100*time.Millisecond))
	return nil
}

func (l *linker) start(ctx context.Context) (*postpress.Checkpoint, error) {
	if l.phone != "" {
		return l.client.StartWhatsAppPairing(ctx, l.phone)
	}
	return l.client.StartWhatsAppQR(ctx)
}

// progress prints each change of the status, and why nothing is known.
func (l *linker) progress() func(postpress.WaitProgress) {
	var last string
	return func(p postpress.WaitProgress) {
		now := "waiting for the phone"
		switch {
		case p.Err != nil:
			now = "no news: " + p.Err.Error()
		case p.Status != "":
			now = "status " + string(p.Status)
		}
		if now != last {
			fmt.Fprintf(l.out, "%6.1fs  %s\n", p.Elapsed.Seconds(), now)
		}
		last = now
	}
}

// explain adds what the person can do, and gives the exit code.
func (l *linker) explain(ctx context.Context, err error, stderr io.Writer) int {
	if l.pending != "" {
		fmt.Fprintf(stderr, "connect: account %s is left pending; the API ends the attempt five minutes after its start\n", l.pending)
	}
	var start *postpress.StartError
	var number *postpress.PhoneNumberError
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &number):
		return exitUsage
	case errors.As(err, &start):
		fmt.Fprintf(stderr, "connect: account %s exists and is not linked; delete it or solve the checkpoint\n", start.AccountID)
	case errors.Is(err, postpress.ErrUnauthorized):
		fmt.Fprintln(stderr, "connect: check POSTPRESS_API_KEY")
	case errors.Is(err, postpress.ErrRateLimited) && l.phone != "":
		fmt.Fprintln(stderr, "connect: WhatsApp limits pairing codes; try without -phone for a QR code")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, postpress.ErrIntentExpired):
		return exitNotInTime
	}
	return exitFailed
}
