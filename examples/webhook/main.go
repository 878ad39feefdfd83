// Webhook receives the account status webhooks of the API, links a WhatsApp
// account, and waits for it: the webhook wakes the waiter.
//
// Without POSTPRESS_API_KEY in the environment it talks to a double of the API
// inside the program, which delivers real webhooks over loopback and plays the phone:
//
//	go run ./examples/webhook -addr 127.0.0.1:8090
//
// With it, the API must reach this program: -url, or POSTPRESS_WEBHOOK_URL, is the
// public address, whose TLS ends in front of -addr, and POSTPRESS_WEBHOOK_SECRET the
// secret that the webhook carries (at least 16 bytes; openssl rand -hex 32 makes one).
// The webhook is created where there is none, and left for the next start.
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
	"net"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/postpress-ai/postpress-go"
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
	p := program{
		out: &lines{to: os.Stdout, began: time.Now()}, errs: os.Stderr,
		listen: net.Listen, scanAfter: 1500 * time.Millisecond, connectDelay: time.Second,
	}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// program is what differs between main and a test of it.
type program struct {
	out    *lines
	errs   io.Writer
	listen func(network, address string) (net.Listener, error)

	scanAfter, connectDelay time.Duration // of the double's phone
}

// settings are the flags, and what the environment says of the webhook.
type settings struct {
	addr, url, phone, secret string
	timeout                  time.Duration
	stay, double             bool
}

func (p *program) run(ctx context.Context, args []string) int {
	set, err := p.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitConnected
	case err != nil:
		return exitUsage
	}
	s := session{program: p, settings: set}
	err = s.serve(ctx)
	if err == nil {
		return exitConnected
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	fmt.Fprintln(p.errs, "webhook:", err)
	return s.explain(ctx, err)
}

func (p *program) parse(args []string) (settings, error) {
	set := settings{double: os.Getenv("POSTPRESS_API_KEY") == "", secret: os.Getenv("POSTPRESS_WEBHOOK_SECRET")}
	flags := flag.NewFlagSet("webhook", flag.ContinueOnError)
	flags.SetOutput(p.errs)
	flags.StringVar(&set.addr, "addr", "127.0.0.1:8090", "`host:port` to listen on; port 0 is any free one")
	flags.StringVar(&set.url, "url", os.Getenv("POSTPRESS_WEBHOOK_URL"), "public `URL` of this receiver, with a path, as the API reaches it; not for the double")
	flags.StringVar(&set.phone, "phone", "", "link with a pairing code for this `number`, such as +33612345678, instead of a QR code")
	flags.DurationVar(&set.timeout, "timeout", 5*time.Minute, "give up after this time")
	flags.BoolVar(&set.stay, "stay", false, "go on receiving until interrupted, once the account is connected")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	_, err := url.Parse(set.url)
	switch {
	case err != nil:
		err = errors.New("the URL of the webhook cannot be read") // the error would quote it
	case flags.NArg() > 0 || set.timeout <= 0:
		err = errors.New("takes no arguments, and a -timeout above 0")
	case !set.double && (set.url == "" || set.secret == ""):
		err = errors.New("with POSTPRESS_API_KEY, set POSTPRESS_WEBHOOK_URL (or -url) and POSTPRESS_WEBHOOK_SECRET")
	}
	if err != nil {
		fmt.Fprintln(p.errs, "webhook:", err)
	}
	return set, err
}

// explain adds what the person can do, and gives the exit code.
func (s *session) explain(ctx context.Context, err error) int {
	if s.pending != "" {
		fmt.Fprintf(s.errs, "webhook: account %s is left pending; the API ends the attempt five minutes after its start\n", s.pending)
	}
	var argument *postpress.ArgumentError
	var number *postpress.PhoneNumberError
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &argument), errors.As(err, &number):
		return exitUsage
	case errors.Is(err, postpress.ErrUnauthorized):
		fmt.Fprintln(s.errs, "webhook: check POSTPRESS_API_KEY")
	case errors.Is(err, postpress.ErrWebhookSecret):
		fmt.Fprintln(s.errs, "webhook: use that secret, or delete the webhook and start again")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, postpress.ErrIntentExpired):
		return exitNotInTime
	}
	return exitFailed
}
