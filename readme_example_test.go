package postpress_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
	"github.com/postpress-ai/postpress-go/qr"
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
	// Output:
	// OK
	// OK
	// no such account
	// Type HD9T-HWSF into WhatsApp → Linked devices → Link with phone number instead
}
