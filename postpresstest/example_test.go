package postpresstest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func ExampleNewServer() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client()
	ctx := context.Background()

	checkpoint, err := client.StartWhatsAppQR(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println("shows a", checkpoint.Type)

	// The user takes the phone and scans.
	if err := srv.ScanAs(checkpoint.AccountID, "33612345678"); err != nil {
		panic(err)
	}
	account, err := client.WaitForConnection(ctx, checkpoint.AccountID)
	if err != nil {
		panic(err)
	}
	fmt.Println(account.PhoneNumber(), "is", account.Status())
	// Output:
	// shows a QRCODE
	// 33612345678 is OK
}

func ExampleServer_EnterPairingCode() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client()
	ctx := context.Background()

	checkpoint, err := client.StartWhatsAppPairing(ctx, "33612345678")
	if err != nil {
		panic(err)
	}
	err = srv.EnterPairingCode(checkpoint.AccountID, "0000-0000")
	fmt.Println("wrong:", errors.Is(err, postpresstest.ErrWrongCode))
	err = srv.EnterPairingCode(checkpoint.AccountID, string(checkpoint.PairingCode))
	fmt.Println("right:", err)
	account, err := client.GetAccount(ctx, checkpoint.AccountID)
	if err != nil {
		panic(err)
	}
	fmt.Println(account.PhoneNumber(), "is", account.Status())
	// Output:
	// wrong: true
	// right: <nil>
	// 33612345678 is OK
}

// The answer to a POST is lost on the way: did it happen? The client asks again with
// the same Idempotency-Key, and there is one account, not two.
func ExampleServer_Inject() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	srv.Inject(postpresstest.Fault{
		Method: http.MethodPost, Path: "/accounts", Kind: postpresstest.FaultLostAnswer,
	})

	_, err := srv.Client().StartWhatsAppQR(context.Background())
	fmt.Println("error:", err)
	fmt.Println("accounts:", len(srv.Accounts()))
	for _, r := range srv.Requests() {
		fmt.Println(r.Method, r.Path, r.Status, "replayed:", r.Replayed)
	}
	// Output:
	// error: <nil>
	// accounts: 1
	// POST /accounts 202 replayed: false
	// POST /accounts 202 replayed: true
}

// Without the client of this module: any HTTP client will do.
func ExampleServer_RoundTripper() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})

	req, err := http.NewRequest(http.MethodGet, "https://api.postpress.ai/v1/accounts", nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("X-API-KEY", "pp_test_any")
	resp, err := srv.RoundTripper().RoundTrip(req)
	if err != nil {
		panic(err)
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Println(resp.Status)
	// Output:
	// 200 OK
}
