package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/postpress-ai/postpress-go/postpresstest"
)

const (
	exitOK = iota
	exitFailed
	exitUsage
)

type settings struct {
	addr     string
	autoScan time.Duration
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
	l, err := net.Listen("tcp", set.addr)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "postpress sandbox: %v\n", err)
		return exitFailed
	}
	_, _ = fmt.Fprintf(stdout, "postpress sandbox listening on http://%s\n", reachable(set.addr, l.Addr()))
	if err := serve(ctx, l, set.autoScan); err != nil {
		_, _ = fmt.Fprintf(stderr, "postpress sandbox: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&set.addr, "addr", "127.0.0.1:8089", "`host:port` to listen on; port 0 is any free one")
	flags.DurationVar(&set.autoScan, "auto-scan", 0, "scan every code by itself after this long; 0 leaves it to the controls")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	var err error
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case set.autoScan < 0:
		err = fmt.Errorf("-auto-scan must not be negative")
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "postpress sandbox: %v\n", err)
		flags.Usage()
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

// serve answers on l until ctx ends, and then lets running answers finish.
func serve(ctx context.Context, l net.Listener, autoScan time.Duration) error {
	var opts []postpresstest.Option
	if autoScan > 0 {
		opts = append(opts, postpresstest.WithAutoScan(autoScan))
	}
	double := postpresstest.NewServer(opts...)
	server := &http.Server{Handler: newHandler(double), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()

	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	double.Close() // releases the requests that are held open
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close()
	}
	return err
}
