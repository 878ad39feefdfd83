package postpresstest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// A handler receives in memory what the double has to tell.
func ExampleWithWebhookReceiver() {
	secret := postpress.GenerateWebhookSecret()
	handler, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
		Secrets: []string{secret},
		OnEvent: func(_ context.Context, e *postpress.WebhookEvent) error {
			fmt.Println("received", e.Status)
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	srv := postpresstest.NewServer(postpresstest.WithWebhookReceiver(handler))
	defer srv.Close()
	ctx := context.Background()
	if _, err := srv.Client().CreateAccountStatusWebhook(ctx, "https://app.example.com/hook", secret); err != nil {
		panic(err)
	}

	account := srv.AddAccount(postpresstest.Account{})
	for _, status := range []postpress.Status{postpress.StatusCredentials, postpress.StatusOK} {
		if err := srv.SetStatus(account.ID, status); err != nil {
			panic(err)
		}
	}
	if err := srv.WaitDeliveries(ctx); err != nil {
		panic(err)
	}
	for _, d := range srv.Deliveries() {
		fmt.Println(d.Message, "was answered", d.Status, "and is", d.Outcome, d.Header)
	}
	// Output:
	// received CREDENTIALS
	// received OK
	// CREDENTIALS was answered 200 and is delivered map[Content-Type:[application/json] Postpress-Auth:[[redacted]]]
	// OK was answered 200 and is delivered map[Content-Type:[application/json] Postpress-Auth:[[redacted]]]
}

// Every answer is lost on its way to the sender: the receiver gets each event twice,
// although it has said 200.
func ExampleWithWebhookChaos() {
	receiver := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.Method, r.URL.Path) })
	srv := postpresstest.NewServer(
		postpresstest.WithWebhookReceiver(receiver),
		postpresstest.WithWebhookChaos(postpresstest.WebhookChaos{LostAnswers: 1}),
		postpresstest.WithWebhookRetryDelays(0),
	)
	defer srv.Close()
	ctx := context.Background()
	_, err := srv.Client().CreateWebhook(ctx, postpress.WebhookRequest{
		Source: postpress.WebhookSourceAccountStatus, RequestURL: "https://app.example.com/hook",
	})
	if err != nil {
		panic(err)
	}
	if err := srv.SetStatus(srv.AddAccount(postpresstest.Account{}).ID, postpress.StatusStopped); err != nil {
		panic(err)
	}
	if err := srv.WaitDeliveries(ctx); err != nil {
		panic(err)
	}
	for _, d := range srv.Deliveries() {
		fmt.Println(d.Attempt, d.Status, d.Error, d.Outcome)
	}
	// Output:
	// POST /hook
	// POST /hook
	// 1 200 the answer was lost on the way retrying
	// 2 200 the answer was lost on the way lost
}

// printer stands for the *testing.T that a test passes on.
type printer struct{}

func (printer) Helper() {}

func (printer) Errorf(format string, args ...any) {
	text, _, _ := strings.Cut(fmt.Sprintf(format, args...), ", want")
	fmt.Println(text)
}

// A middleware has every method look like a POST.
func ExampleCheckWebhookHandler() {
	const secret = "an-example-of-a-secret"
	right, err := postpress.NewWebhookHandler(postpress.WebhookConfig{Secrets: []string{secret}})
	if err != nil {
		panic(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Method = http.MethodPost
		right.ServeHTTP(w, r)
	})
	// In a test: postpresstest.CheckWebhookHandler(t, handler, secret)
	postpresstest.CheckWebhookHandler(printer{}, handler, secret)
	// Output:
	// method: answers 200 to GET
	// method: answers 200 to PUT
}

// A person links an account on the page behind a hosted link.
func ExampleServer_CompleteHostedLink() {
	notified := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		event, err := postpress.ParseWebhook(body)
		if err != nil {
			panic(err)
		}
		fmt.Println(r.URL.Path, event.Kind, event.Status, event.Name)
	})
	srv := postpresstest.NewServer(postpresstest.WithWebhookReceiver(notified))
	defer srv.Close()
	ctx := context.Background()
	link, err := srv.Client().CreateHostedAuthLink(ctx, postpress.HostedAuthLinkRequest{
		ExpiresOn: time.Now().Add(time.Hour), Name: "user-1", NotifyURL: "https://app.example.com/linked",
	})
	if err != nil {
		panic(err)
	}
	id, err := srv.CompleteHostedLink(link)
	if err != nil {
		panic(err)
	}
	if err := srv.WaitDeliveries(ctx); err != nil {
		panic(err)
	}
	account, _ := srv.Account(id)
	fmt.Println(account.Provider, account.Status)
	// Output:
	// /linked hosted_auth CREATION_SUCCESS user-1
	// WHATSAPP OK
}
