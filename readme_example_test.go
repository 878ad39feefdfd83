package postpress_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
	"github.com/postpress-ai/postpress-go/qr"
	"github.com/postpress-ai/postpress-go/statusbus"
)

// The fragments of README.md, compiled; see readme_test.go.

func readmePairing(ctx context.Context, client *postpress.Client) error {
	checkpoint, err := client.StartWhatsAppPairing(ctx, "+33 6 12 34 56 78")
	if err != nil {
		return err
	}
	fmt.Println("Type", string(checkpoint.PairingCode), "into WhatsApp → Linked devices → Link with phone number instead")
	return nil
}

func readmePicture(checkpoint *postpress.Checkpoint) (string, error) {
	uri, err := qr.DataURI(string(checkpoint.QRCode)) // <img src="{{.}}" alt="QR code">
	return uri, err
}

func readmeLink(ctx context.Context, client *postpress.Client, userID string, show func(*postpress.Checkpoint), save func(*postpress.Account)) error {
	link, err := client.LinkWhatsApp(ctx, postpress.LinkRequest{}, postpress.WithLinkKey(userID)) // a second click joins the first
	if err != nil {
		return err
	}
	for step, err := range link.Steps(ctx) {
		switch {
		case err != nil:
			return err // the last element: why no account was linked
		case step.State == postpress.LinkShow:
			show(step.Checkpoint) // now, and again each time it is replaced
		case step.State == postpress.LinkConnected:
			save(step.Account) // the last element
		}
	}
	return nil
}

func readmeErrors(ctx context.Context, client *postpress.Client, id string) {
	account, err := client.GetAccount(ctx, id)
	var apiErr *postpress.APIError
	switch {
	case errors.Is(err, postpress.ErrNotFound):
		fmt.Println("no such account")
	case errors.As(err, &apiErr):
		fmt.Println("tell support:", apiErr.RequestID)
	case err == nil:
		fmt.Println(account.Status())
	}
}

func readmeWaiting(ctx context.Context, client *postpress.Client, checkpoint *postpress.Checkpoint) (*postpress.Account, error) {
	account, err := client.WaitForConnection(ctx, checkpoint.AccountID,
		postpress.WithWaitTimeout(2*time.Minute),
		postpress.WithProgress(func(p postpress.WaitProgress) {
			log.Printf("%s: %s after %v", p.AccountID, p.Status, p.Elapsed)
		}))
	return account, err
}

// This one is compiled only: it listens until ctx ends.
var _ = readmeReceiving

func readmeReceiving(ctx context.Context, mux *http.ServeMux, url, secret string, save func(context.Context, *postpress.Account) error) error {
	bus := statusbus.NewMemory() // one process; for several replicas, one of a broker
	client, err := postpress.NewFromEnv(postpress.WithStatusBus(bus))
	if err != nil {
		return err
	}
	handler, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
		Secrets: []string{secret}, Bus: bus, Client: client, OnChange: save, // func(context.Context, *postpress.Account) error
	})
	if err != nil {
		return err
	}
	mux.Handle("/postpress", handler) // exactly this path: to the API a redirect is a failure
	server := &http.Server{
		Addr: ":8080", Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, // the handler needs up to 25 s
	}
	go func() { log.Println(server.ListenAndServe()) }()
	if _, err := client.EnsureAccountStatusWebhook(ctx, url, secret); err != nil {
		return err
	}
	<-ctx.Done()
	grace, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	return errors.Join(handler.Shutdown(grace), server.Shutdown(grace))
}

func readmeTesting(ctx context.Context) error {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client()

	checkpoint, err := client.StartWhatsAppQR(ctx)
	if err != nil {
		return err
	}
	srv.Scan(checkpoint.AccountID) // what the person with the phone does
	account, err := client.WaitForConnection(ctx, checkpoint.AccountID)
	if err != nil {
		return err
	}
	fmt.Println(account.Status())
	readmeErrors(ctx, client, account.ID)
	readmeErrors(ctx, client, "acc_none")
	if _, err := readmePicture(checkpoint); err != nil {
		return err
	}
	_, err = readmeWaiting(ctx, client, checkpoint)
	return err
}

// The fragments of the README, run against the double.
func Example_readme() {
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	if err := readmeTesting(context.Background()); err != nil {
		fmt.Println(err)
	}
	srv := postpresstest.NewServer(postpresstest.WithSeed(1))
	defer srv.Close()
	if err := readmePairing(context.Background(), srv.Client()); err != nil {
		fmt.Println(err)
	}
	err := readmeLink(context.Background(), srv.Client(), "user",
		func(c *postpress.Checkpoint) { _ = srv.Scan(c.AccountID) },
		func(a *postpress.Account) { fmt.Println("linked:", a.Connected()) })
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// OK
	// OK
	// no such account
	// Type HD9T-HWSF into WhatsApp → Linked devices → Link with phone number instead
	// linked: true
}
