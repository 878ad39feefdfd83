// Command sandbox serves the double of the postpress API over HTTP, so that a
// program in any language can be tried without an account:
//
//	go run ./examples/sandbox -addr 127.0.0.1:8089 -auto-scan 10s
//
// The API is under /v1 and /api/v1 and takes any non-empty key. Who plays the phone:
//
//	POST /_sandbox/accounts/{id}/scan    {"phone":"33612345678"}, or no body
//	POST /_sandbox/accounts/{id}/pair    {"code":"ABCD-1234"}
//	POST /_sandbox/accounts/{id}/expire
//	POST /_sandbox/accounts/{id}/status  {"status":"CREDENTIALS"}
//	GET  /_sandbox/requests              what the API was asked, without keys
//	GET  /_sandbox/deliveries            what became of each webhook, without secrets
//
// Webhooks are delivered to loopback addresses only.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
