package postpress_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/url"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func ExampleClient_GetAccount() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	id := srv.AddAccount(postpresstest.Account{PhoneNumber: "33612345678"}).ID

	account, err := client.GetAccount(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.Provider, account.Status(), account.PhoneNumber())
	// Output: WHATSAPP OK 33612345678
}

func ExampleClient_ListAccounts() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	for _, name := range []string{"Ada", "Grace", "Hedy"} {
		srv.AddAccount(postpresstest.Account{Name: name})
	}

	page, err := client.ListAccounts(ctx, postpress.ListOptions{Limit: 2})
	if err != nil {
		log.Fatal(err)
	}
	for _, account := range page.Accounts {
		fmt.Println(account.Name)
	}
	page, err = client.ListAccounts(ctx, postpress.ListOptions{Limit: 2, Cursor: page.NextCursor})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page.Accounts), "more, and then", page.NextCursor == "")
	// Output:
	// Ada
	// Grace
	// 1 more, and then true
}

func ExampleClient_AllAccounts() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	for _, name := range []string{"Ada", "Grace", "Hedy"} {
		srv.AddAccount(postpresstest.Account{Name: name})
	}

	for account, err := range client.AllAccounts(ctx, postpress.ListOptions{Limit: 2}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(account.Name)
	}
	// Output:
	// Ada
	// Grace
	// Hedy
}

func ExampleClient_UpdateAccount() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	id := srv.AddAccount(postpresstest.Account{Name: "Ada"}).ID

	err := client.UpdateAccount(ctx, id, postpress.UpdateAccountRequest{
		Label: "Ada, sales",
		Proxy: &postpress.Proxy{Protocol: "socks5", Host: "proxy.example.com", Port: 1080, Username: "ada", Password: "secret"},
	})
	if err != nil {
		log.Fatal(err)
	}
	account, err := client.GetAccount(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.Name)
	// Output: Ada, sales
}

func ExampleClient_DeleteAccount() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	id := srv.AddAccount(postpresstest.Account{}).ID

	if err := client.DeleteAccount(ctx, id); err != nil {
		log.Fatal(err)
	}
	fmt.Println("deleted")
	// Output: deleted
}

func ExampleClient_RestartAccount() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	stopped := srv.AddAccount(postpresstest.Account{Status: postpress.StatusStopped}).ID
	unlinked := srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials}).ID

	for _, id := range []string{stopped, unlinked} {
		err := client.RestartAccount(ctx, id)
		switch {
		case errors.Is(err, postpress.ErrConnectionFailed):
			fmt.Println("it has to be linked again")
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Println("restarted")
		}
	}
	// Output:
	// restarted
	// it has to be linked again
}

func ExampleClient_ResyncAccount() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	id := srv.AddAccount(postpresstest.Account{Provider: postpress.ProviderLinkedIn}).ID

	status, err := client.ResyncAccount(ctx, id, url.Values{"after": {"2025-01-01T00:00:00.000Z"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status == postpress.SyncStarted)
	// Output: true
}

func ExampleClient_SolveCheckpoint() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	result, err := client.ConnectAccount(ctx, postpress.ConnectRequest{
		Provider: postpress.ProviderLinkedIn,
		Extra:    map[string]any{"username": "ada@example.com", "password": "secret"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for result.Checkpoint != nil {
		fmt.Println(result.Checkpoint.Type, "by", result.Checkpoint.Source)
		code, _ := srv.CheckpointCode(result.AccountID) // what the person types in
		result, err = client.SolveCheckpoint(ctx, result.AccountID, postpress.ProviderLinkedIn, code)
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("linked")
	// Output:
	// 2FA by SMS
	// linked
}

func ExampleClient_ResendCheckpoint() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	result, err := client.ConnectAccount(ctx, postpress.ConnectRequest{Provider: postpress.ProviderInstagram})
	if err != nil {
		log.Fatal(err)
	}
	// The person says that no code has come.
	if err := client.ResendCheckpoint(ctx, result.AccountID, postpress.ProviderInstagram); err != nil {
		log.Fatal(err)
	}
	fmt.Println("sent again")
	// Output: sent again
}

func ExampleClient_CreateHostedAuthLink() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	link, err := client.CreateHostedAuthLink(ctx, postpress.HostedAuthLinkRequest{
		Providers: []postpress.Provider{postpress.ProviderWhatsApp},
		ExpiresOn: time.Now().Add(time.Hour),
		Name:      "user-7",                           // comes back in the notification
		NotifyURL: "https://shop.example.com/webhook", // see NewWebhookHandler
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = url.Parse(link) // send the person there
	fmt.Println(link != "", err)
	// Output: true <nil>
}

func ExampleClient_ConnectAccount() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	result, err := client.ConnectAccount(ctx, postpress.ConnectRequest{
		Provider: postpress.ProviderWhatsApp,
		Proxy:    &postpress.Proxy{Protocol: "https", Host: "proxy.example.com", Port: 8443, Username: "ada", Password: "secret"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Checkpoint.Type)
	// Output: QRCODE
}

func ExampleClient_ReconnectAccount() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	id := srv.AddAccount(postpresstest.Account{Provider: postpress.ProviderTelegram, Status: postpress.StatusCredentials}).ID

	result, err := client.ReconnectAccount(ctx, id, postpress.ConnectRequest{Provider: postpress.ProviderTelegram})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.AccountID == id, result.Checkpoint.Type)
	// Output: true QRCODE
}
