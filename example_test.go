package postpress_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// These examples run against the double in package postpresstest; with a client
// of postpress.New they run against the API.

func ExampleNew() {
	client, err := postpress.New("pp_live_your_key",
		postpress.WithApplication("shop", "2.1"),
		postpress.WithTimeout(10*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	fmt.Println(client)

	_, err = postpress.New("")
	fmt.Println(err)
	// Output:
	// postpress.Client(https://api.postpress.ai/v1)
	// postpress: apiKey must not be empty: set it to an API key from the postpress dashboard
}

func ExampleNewFromEnv() {
	os.Setenv("POSTPRESS_API_KEY", "pp_test_your_key")
	defer os.Unsetenv("POSTPRESS_API_KEY")

	client, err := postpress.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	fmt.Println(client)
	// Output: postpress.Client(https://api.postpress.ai/v1)
}

func ExampleClient_StartWhatsAppQR() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	checkpoint, err := client.StartWhatsAppQR(ctx)
	if err != nil {
		log.Fatal(err)
	}
	showQR(string(checkpoint.QRCode)) // package qr draws the picture

	srv.Scan(checkpoint.AccountID) // what the person with the phone does

	account, err := client.WaitForConnection(ctx, checkpoint.AccountID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.Provider, account.Status())
	// Output: WHATSAPP OK
}

// showQR stands for what a program does with the text of a QR code.
func showQR(string) {}

func ExampleClient_StartWhatsAppPairing() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	checkpoint, err := client.StartWhatsAppPairing(ctx, "+33 6 12 34 56 78")
	if err != nil {
		log.Fatal(err)
	}
	code := string(checkpoint.PairingCode) // a Secret does not print, its string does
	fmt.Println("WhatsApp → Settings → Linked devices → Link a device → Link with phone number instead")

	srv.EnterPairingCode(checkpoint.AccountID, code) // what the person with the phone does

	account, err := client.WaitForConnection(ctx, checkpoint.AccountID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.PhoneNumber())
	// Output:
	// WhatsApp → Settings → Linked devices → Link a device → Link with phone number instead
	// 33612345678
}

func ExampleClient_ReconnectWhatsAppQR() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	account := srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})

	checkpoint, err := client.ReconnectWhatsAppQR(ctx, account.ID)
	if err != nil {
		log.Fatal(err)
	}
	showQR(string(checkpoint.QRCode))

	srv.Scan(account.ID) // what the person with the phone does

	again, err := client.WaitForConnection(ctx, account.ID, postpress.WithReconnect())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.Status())

	_, err = client.ReconnectWhatsAppQR(ctx, account.ID)
	fmt.Println(errors.Is(err, postpress.ErrAlreadyConnected))
	// Output:
	// OK
	// true
}

func ExampleClient_ReconnectWhatsAppPairing() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	account := srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})

	checkpoint, err := client.ReconnectWhatsAppPairing(ctx, account.ID, "+33 6 12 34 56 78")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(checkpoint.Type, checkpoint.ExpiresAt.Sub(checkpoint.IssuedAt))

	// What the person with the phone does.
	srv.EnterPairingCode(account.ID, string(checkpoint.PairingCode))

	again, err := client.WaitForConnection(ctx, account.ID, postpress.WithReconnect())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.Status())
	// Output:
	// PAIRING_CODE 2m40s
	// OK
}

func ExampleClient_WaitForConnection() {
	srv := postpresstest.NewServer(postpresstest.WithAutoScan(0))
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	checkpoint, err := client.StartWhatsAppQR(ctx)
	if err != nil {
		log.Fatal(err)
	}
	account, err := client.WaitForConnection(ctx, checkpoint.AccountID, postpress.WithWaitTimeout(2*time.Minute))
	switch {
	case errors.Is(err, postpress.ErrIntentExpired):
		fmt.Println("too late: start again")
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println("connected:", account.Connected())
	}
	// Output: connected: true
}

func ExampleWithProgress() {
	srv := postpresstest.NewServer(postpresstest.WithAutoScan(0))
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	checkpoint, err := client.StartWhatsAppQR(ctx)
	if err != nil {
		log.Fatal(err)
	}
	progress := postpress.WithProgress(func(p postpress.WaitProgress) {
		fmt.Println("status", p.Status, "after", p.Polls, "look")
	})
	if _, err := client.WaitForConnection(ctx, checkpoint.AccountID, progress); err != nil {
		log.Fatal(err)
	}
	// Output: status OK after 1 look
}

func ExampleNormalizePhoneNumber() {
	for _, s := range []string{"+33 6 12 34 56 78", "+1 (415) 555-0132", "+33 (0)6 12 34 56 78", "06 12 34 56 78"} {
		number, err := postpress.NormalizePhoneNumber(s)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(number)
	}
	// Output:
	// 33612345678
	// 14155550132
	// postpress: the phone number has a group that begins with 0 in parentheses, which is dialled inside the country only: leave that 0 out
	// postpress: the phone number begins with 0, so it lacks the country code: write that instead of the 0, such as +33 for France
}

func ExampleSecret() {
	code := postpress.Secret("ABCD-1234")
	fmt.Println(code)
	fmt.Printf("%q %+v\n", code, struct{ Code postpress.Secret }{code})
	fmt.Println(string(code)) // to show it to the person it is for
	// Output:
	// [redacted]
	// [redacted] {Code:[redacted]}
	// ABCD-1234
}
