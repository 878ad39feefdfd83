package postpress_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
	"github.com/postpress-ai/postpress-go/statusbus"
)

// What these examples receive, as the API sends it.
const (
	accountStatusBody = `{"AccountStatus":{"account_id":"acc_1","account_type":"WHATSAPP","message":"CREDENTIALS","reason":"Disconnected"}}`
	hostedAuthBody    = `{"status":"CREATION_SUCCESS","account_id":"acc_2","name":"user 42"}`
	messageBody       = `{"event":"message_received","account_id":"acc_1","message":"hello"}`
)

// deliver stands for the API: it sends an event with a secret, and prints the answer.
func deliver(h http.Handler, secret, body string) {
	r := httptest.NewRequest(http.MethodPost, "/postpress", strings.NewReader(body))
	r.Header.Set(postpress.DefaultWebhookHeader, secret)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, http.StatusText(w.Code))
}

func ExampleParseWebhook() {
	for _, body := range []string{
		accountStatusBody, hostedAuthBody, messageBody,
		"AccountStatus[account_id]=acc_1&AccountStatus[account_type]=WHATSAPP&AccountStatus[message]=OK",
	} {
		e, err := postpress.ParseWebhook([]byte(body))
		if err != nil {
			fmt.Println(err)
			continue
		}
		switch e.Kind {
		case postpress.WebhookAccountStatus:
			fmt.Println(e.Provider, e.AccountID, "is", e.Status, e.Reason)
		case postpress.WebhookHostedAuth:
			fmt.Println(e.Name, "linked", e.AccountID)
		case postpress.WebhookOther:
			fmt.Println("something else about", e.AccountID)
		}
	}
	// Output:
	// WHATSAPP acc_1 is CREDENTIALS Disconnected
	// user 42 linked acc_2
	// something else about acc_1
	// WHATSAPP acc_1 is OK
}

// The webhook was created with other names for its fields.
func ExampleWithWebhookData() {
	data := []postpress.WebhookField{{Name: "id", Key: "account_id"}, {Name: "state", Key: "message"}}
	e, err := postpress.ParseWebhook([]byte(`{"AccountStatus":{"id":"acc_1","state":"OK"}}`), postpress.WithWebhookData(data...))
	if err != nil {
		panic(err)
	}
	fmt.Println(e.AccountID, e.Status)
	// Output:
	// acc_1 OK
}

// Every event as it comes. An error makes the API send it again.
func ExampleNewWebhookHandler() {
	secret := postpress.GenerateWebhookSecret() // kept where passwords are
	h, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
		Secrets: []string{secret},
		OnEvent: func(_ context.Context, e *postpress.WebhookEvent) error {
			fmt.Println(e)
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	defer func() { _ = h.Shutdown(context.Background()) }()
	mux := http.NewServeMux()
	mux.Handle("/postpress", h) // exactly this path: no redirect

	deliver(mux, secret, accountStatusBody)
	deliver(mux, "a forged secret", accountStatusBody)
	// Output:
	// WebhookEvent{Kind:account_status AccountID:acc_1 Provider:WHATSAPP Status:CREDENTIALS}
	// 200 OK
	// 401 Unauthorized
}

// The account as it really is, once per change, whatever the API repeats, delays or reorders.
func ExampleNewWebhookHandler_onChange() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	srv.AddAccount(postpresstest.Account{ID: "acc_1", Status: postpress.StatusOK})

	secret := postpress.GenerateWebhookSecret()
	h, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
		Secrets: []string{secret},
		Client:  srv.Client(),
		OnChange: func(_ context.Context, a *postpress.Account) error {
			fmt.Println(a.ID, "is", a.Status())
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	defer func() { _ = h.Shutdown(context.Background()) }()
	deliver(h, secret, accountStatusBody) // an old event: CREDENTIALS
	// Output:
	// acc_1 is OK
	// 200 OK
}

// Whoever waits for the account, on this replica or another, is woken.
func ExampleNewWebhookHandler_bus() {
	bus := statusbus.NewMemory() // or one of a broker, for several replicas
	defer func() { _ = bus.Close() }()
	cancel, err := bus.Subscribe("acc_1", func() { fmt.Println("look again at acc_1") })
	if err != nil {
		panic(err)
	}
	defer cancel()

	secret := postpress.GenerateWebhookSecret()
	h, err := postpress.NewWebhookHandler(postpress.WebhookConfig{Secrets: []string{secret}, Bus: bus})
	if err != nil {
		panic(err)
	}
	defer func() { _ = h.Shutdown(context.Background()) }()
	deliver(h, secret, accountStatusBody)
	// Output:
	// look again at acc_1
	// 200 OK
}

// While the API still sends the old secret, both are accepted.
func ExampleNewWebhookHandler_rotation() {
	oldSecret, newSecret := postpress.GenerateWebhookSecret(), postpress.GenerateWebhookSecret()
	for _, secrets := range [][]string{{oldSecret}, {newSecret, oldSecret}, {newSecret}} {
		h, err := postpress.NewWebhookHandler(postpress.WebhookConfig{Secrets: secrets})
		if err != nil {
			panic(err)
		}
		fmt.Println("deployed with", len(secrets))
		deliver(h, oldSecret, accountStatusBody)
		deliver(h, newSecret, accountStatusBody)
	}
	// Output:
	// deployed with 1
	// 200 OK
	// 401 Unauthorized
	// deployed with 2
	// 200 OK
	// 200 OK
	// deployed with 1
	// 401 Unauthorized
	// 200 OK
}
