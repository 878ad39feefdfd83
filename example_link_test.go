package postpress_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func ExampleClient_LinkWhatsApp() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	link, err := client.LinkWhatsApp(ctx, postpress.LinkRequest{})
	if err != nil {
		log.Fatal(err)
	}
	for step, err := range link.Steps(ctx) {
		if err != nil {
			log.Fatal(err) // the attempt has failed, or ctx has ended
		}
		switch step.State {
		case postpress.LinkShow:
			showQR(string(step.Checkpoint.QRCode)) // again for each new code
			srv.Scan(step.Checkpoint.AccountID)    // what the person with the phone does
		case postpress.LinkExpired, postpress.LinkConnecting:
			fmt.Println("one moment")
		case postpress.LinkConnected:
			fmt.Println(step.Account.Provider, step.Account.Status())
		}
	}
	// Output: WHATSAPP OK
}

func ExampleLink_Steps() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	link, err := client.LinkWhatsApp(ctx, postpress.LinkRequest{PhoneNumber: "+33 6 12 34 56 78"})
	if err != nil {
		log.Fatal(err)
	}
	for step, err := range link.Steps(ctx) {
		switch {
		case errors.Is(err, postpress.ErrIntentExpired):
			fmt.Println("nobody has typed the code")
		case err != nil:
			log.Fatal(err)
		case step.State == postpress.LinkShow:
			code := string(step.Checkpoint.PairingCode)
			fmt.Println("step", step.Seq, "type the code, of", len(code), "characters")
			srv.EnterPairingCode(link.AccountID(), code) // what the person with the phone does
		case step.State == postpress.LinkConnected:
			fmt.Println("connected", step.Account.PhoneNumber())
		}
	}
	// Output:
	// step 1 type the code, of 9 characters
	// connected 33612345678
}

func ExampleLink_Wait() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	link, err := client.LinkWhatsApp(ctx, postpress.LinkRequest{ExpectPhoneNumber: "+33 6 12 34 56 78"})
	if err != nil {
		log.Fatal(err)
	}
	srv.ScanAs(link.AccountID(), "33687654321") // somebody scans it with another phone

	account, err := link.Wait(ctx)
	if errors.Is(err, postpress.ErrWrongAccount) {
		var failed *postpress.LinkError
		errors.As(err, &failed)
		fmt.Println("another phone was linked:", failed.AccountID == link.AccountID(), account == nil)
	}
	// Output: another phone was linked: true true
}

func ExampleWithLinkKey() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	first, err := client.LinkWhatsApp(ctx, postpress.LinkRequest{}, postpress.WithLinkKey("user-42"))
	if err != nil {
		log.Fatal(err)
	}
	again, err := client.LinkWhatsApp(ctx, postpress.LinkRequest{}, postpress.WithLinkKey("user-42")) // a double click
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first == again, len(srv.Accounts()))

	srv.Scan(first.AccountID()) // what the person with the phone does
	_, err = again.Wait(ctx)
	fmt.Println(err)
	// Output:
	// true 1
	// <nil>
}

func ExampleClient_ResumeLink() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	link, err := client.LinkWhatsApp(ctx, postpress.LinkRequest{})
	if err != nil {
		log.Fatal(err)
	}
	saved, err := json.Marshal(link.State()) // ids and times, no secrets
	if err != nil {
		log.Fatal(err)
	}

	srv.Scan(link.AccountID()) // while the program restarts

	var record postpress.LinkRecord
	if err := json.Unmarshal(saved, &record); err != nil {
		log.Fatal(err)
	}
	resumed, err := srv.Client().ResumeLink(ctx, record)
	if err != nil {
		log.Fatal(err)
	}
	account, err := resumed.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.ID == record.AccountID, account.Status())
	// Output: true OK
}

func ExampleLink_State() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	link, err := client.LinkWhatsApp(ctx, postpress.LinkRequest{PhoneNumber: "+33 6 12 34 56 78"})
	if err != nil {
		log.Fatal(err)
	}
	state := link.State()
	fmt.Println(state.State, state.Seq, state.Pairing, state.Needs, state.Deadline.Sub(state.StartedAt))

	_, err = client.ResumeLink(ctx, state) // the number is not in the record
	fmt.Println(err)

	srv.EnterPairingCode(link.AccountID(), pairingCode(srv, link))
	_, err = link.Wait(ctx)
	fmt.Println(err, link.State().Ended)
	// Output:
	// show 1 true [PhoneNumber] 10m0s
	// postpress: WithLinkRequest must give the request of the attempt, which held PhoneNumber: a LinkRecord does not keep that
	// <nil> true
}

// pairingCode is what the person with the phone reads.
func pairingCode(srv *postpresstest.Server, link *postpress.Link) string {
	code, _ := srv.PairingCode(link.AccountID())
	return code
}

func ExampleClient_SweepUnlinked() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	ghost := `{"object":"Account","type":"WHATSAPP","id":"acc_ghost","created_at":"2025-01-01T00:00:00.000Z","sources":[{"id":"s","status":"CREDENTIALS"}]}`
	for path, body := range map[string]string{"/accounts": `{"object":"AccountList","items":[` + ghost + `],"cursor":null}`, "/accounts/acc_ghost": ghost} {
		srv.Inject(postpresstest.Fault{Method: "GET", Path: path, Status: 200, Body: body, Times: postpresstest.Always})
	}
	srv.Inject(postpresstest.Fault{Method: "DELETE", Path: "/accounts/acc_ghost", Status: 200, Body: `{"object":"AccountDeleted"}`})

	found, err := client.SweepUnlinked(ctx, time.Hour) // a dry run
	if err != nil {
		log.Fatal(err)
	}
	for _, account := range found {
		fmt.Println(account.AccountID, account.Status, account.Deleted)
	}

	found, err = client.SweepUnlinked(ctx, time.Hour, postpress.SweepDelete())
	if err != nil {
		log.Fatal(err)
	}
	var deleted []string
	for _, account := range found {
		if account.Deleted {
			deleted = append(deleted, account.AccountID)
		}
	}
	fmt.Println("deleted", strings.Join(deleted, " "))
	// Output:
	// acc_ghost CREDENTIALS false
	// deleted acc_ghost
}

// A person asks for a new code, and then changes their mind.
func ExampleLink_Cancel() {
	srv := postpresstest.NewServer(postpresstest.WithReissue(postpresstest.ReissueAlways), postpresstest.WithHold(0))
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	link, err := client.LinkWhatsApp(ctx, postpress.LinkRequest{})
	if err != nil {
		log.Fatal(err)
	}
	if err := link.Refresh(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("codes shown:", link.State().Seq)

	srv.Expire(link.AccountID()) // so that the example need not wait for the API to tell that nobody scans
	if err := link.Cancel(ctx); err != nil {
		log.Fatal(err)
	}
	_, err = link.Wait(ctx)
	fmt.Println(errors.Is(err, postpress.ErrLinkCanceled), len(srv.Accounts()))
	// Output:
	// codes shown: 2
	// true 0
}

// A process that is shut down leaves its attempts to another one.
func ExampleLink_Detach() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	link, err := client.LinkWhatsApp(ctx, postpress.LinkRequest{})
	if err != nil {
		log.Fatal(err)
	}
	if err := link.Detach(ctx); err != nil {
		log.Fatal(err)
	}
	state, err := json.Marshal(link.State()) // for a database of yours
	fmt.Println(len(state) > 0, err, len(srv.Accounts()))
	// Output: true <nil> 1
}
