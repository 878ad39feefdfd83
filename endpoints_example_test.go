package postpress_test

import (
	"context"
	"errors"
	"fmt"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func ExampleGenerateWebhookSecret() {
	secret := postpress.GenerateWebhookSecret()
	fmt.Println(len(secret), "characters")
	// Output:
	// 26 characters
}

func ExampleClient_CreateAccountStatusWebhook() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client() // postpress.New(apiKey) in a program
	ctx := context.Background()
	secret := postpress.GenerateWebhookSecret()

	id, err := client.CreateAccountStatusWebhook(ctx, "https://example.com/postpress", secret)
	fmt.Println("created:", id != "", err)
	_, err = client.CreateAccountStatusWebhook(ctx, "http://example.com/postpress", secret)
	fmt.Println(err)
	// Output:
	// created: true <nil>
	// postpress: requestURL must begin with https:// unless the host is loopback: every event carries the secret
}

// At the start of a program, as often as it starts.
func ExampleClient_EnsureAccountStatusWebhook() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client()
	ctx := context.Background()
	secret := postpress.GenerateWebhookSecret()

	first, err := client.EnsureAccountStatusWebhook(ctx, "https://example.com/postpress", secret)
	if err != nil {
		panic(err)
	}
	second, err := client.EnsureAccountStatusWebhook(ctx, "https://example.com/postpress", secret)
	fmt.Println("the same:", first == second, err)

	_, err = client.EnsureAccountStatusWebhook(ctx, "https://example.com/postpress", postpress.GenerateWebhookSecret())
	fmt.Println("another secret:", errors.Is(err, postpress.ErrWebhookSecret))
	// Output:
	// the same: true <nil>
	// another secret: true
}

func ExampleClient_CreateWebhook() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	id, err := srv.Client().CreateWebhook(context.Background(), postpress.WebhookRequest{
		Source:     postpress.WebhookSourceMessaging,
		RequestURL: "https://example.com/messages",
		Headers: []postpress.WebhookHeader{
			{Key: postpress.DefaultWebhookHeader, Value: postpress.Secret(postpress.GenerateWebhookSecret())},
			{Key: "Content-Type", Value: "application/json"},
		},
	})
	fmt.Println(id != "", err)
	// Output:
	// true <nil>
}

func ExampleClient_ListWebhooks() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client()
	ctx := context.Background()
	for _, path := range []string{"a", "b", "c"} {
		_, err := client.CreateAccountStatusWebhook(ctx, "https://example.com/"+path, postpress.GenerateWebhookSecret())
		if err != nil {
			panic(err)
		}
	}
	page, err := client.ListWebhooks(ctx, postpress.ListOptions{Limit: 2})
	if err != nil {
		panic(err)
	}
	for _, w := range page.Webhooks {
		fmt.Println(w.RequestURL, w.Headers[0])
	}
	fmt.Println("more:", page.NextCursor != "")
	// Output:
	// https://example.com/a WebhookHeader{Key:Postpress-Auth}
	// https://example.com/b WebhookHeader{Key:Postpress-Auth}
	// more: true
}

// Delete what an earlier version of the program has left.
func ExampleClient_AllWebhooks() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client()
	ctx := context.Background()
	for _, path := range []string{"old", "new", "old"} {
		_, err := client.CreateAccountStatusWebhook(ctx, "https://example.com/"+path, postpress.GenerateWebhookSecret())
		if err != nil {
			panic(err)
		}
	}
	for w, err := range client.AllWebhooks(ctx, postpress.ListOptions{}) {
		if err != nil {
			panic(err)
		}
		if w.RequestURL == "https://example.com/old" {
			fmt.Println("delete", w.RequestURL, client.DeleteWebhook(ctx, w.ID))
		}
	}
	// Output:
	// delete https://example.com/old <nil>
	// delete https://example.com/old <nil>
}

func ExampleClient_DeleteWebhook() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client()
	ctx := context.Background()
	id, err := client.CreateAccountStatusWebhook(ctx, "https://example.com/postpress", postpress.GenerateWebhookSecret())
	if err != nil {
		panic(err)
	}
	fmt.Println(client.DeleteWebhook(ctx, id))
	fmt.Println("not found:", errors.Is(client.DeleteWebhook(ctx, id), postpress.ErrNotFound))
	// Output:
	// <nil>
	// not found: true
}
