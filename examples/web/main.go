// Web is a page on which people link their WhatsApp account: by QR code or by
// pairing code, live, on a desktop and on a phone.
//
//	go run ./examples/web -addr 127.0.0.1:8090
//
// With POSTPRESS_API_KEY in the environment it talks to the API; without, to a
// double of it inside the program, and the page has a panel to act as the phone.
//
// The login is a random cookie, which makes every browser a user of its own. Put
// your login there before anybody but you can reach the page: who reaches it can
// link accounts to your workspace.
//
// Exit codes: 0 ended by a signal, 1 failed, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	exitOK = iota
	exitFailed
	exitUsage
)

// settings come from the command line.
type settings struct {
	addr         string
	refresh      time.Duration
	connectDelay time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: it serves until ctx ends and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	app, err := newApp(set)
	if err != nil {
		fmt.Fprintln(stderr, "web:", err)
		return exitUsage
	}
	defer app.close()
	l, err := net.Listen("tcp", set.addr)
	if err != nil {
		fmt.Fprintln(stderr, "web:", err)
		return exitFailed
	}
	about := "talking to the API"
	if app.double != nil {
		about = "POSTPRESS_API_KEY is not set: a double of the API, act as the phone yourself"
	}
	fmt.Fprintf(stdout, "postpress web example listening on http://%s (%s)\n", reachable(set.addr, l.Addr()), about)
	if err := serve(ctx, l, app); err != nil {
		fmt.Fprintln(stderr, "web:", err)
		return exitFailed
	}
	return exitOK
}

func parse(args []string, stderr io.Writer) (set settings, err error) {
	flags := flag.NewFlagSet("web", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&set.addr, "addr", "127.0.0.1:8090", "`host:port` to listen on; port 0 is any free one")
	flags.DurationVar(&set.refresh, "refresh", 0, "replace a code after this `time`, at least 1s (0: 50s for a QR code, 150s for a pairing code)")
	flags.DurationVar(&set.connectDelay, "connect-delay", time.Second, "double only: the `time` between the scan and the connection")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case set.refresh != 0 && set.refresh < time.Second:
		err = errors.New("-refresh must be at least 1s, or 0")
	}
	if err != nil {
		fmt.Fprintln(stderr, "web:", err)
	}
	return set, err
}

// reachable is the address to type: the host asked for, the port there is.
func reachable(addr string, actual net.Addr) string {
	host, _, _ := net.SplitHostPort(addr) // it has been listened on
	_, port, _ := net.SplitHostPort(actual.String())
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// serve answers on l until ctx ends. The attempts end first, and with them the
// streams, for which the server would wait.
func serve(ctx context.Context, l net.Listener, app *app) error {
	server := &http.Server{
		Handler: app.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = app.links.Shutdown(ending) // what is left of the time is for the server
	return server.Shutdown(ending)
}
