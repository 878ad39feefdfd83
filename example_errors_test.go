package postpress_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"slices"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func ExampleAPIError() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	_, err := client.GetAccount(ctx, "acc_unknown")
	if errors.Is(err, postpress.ErrNotFound) {
		fmt.Println("no such account")
	}
	var apiErr *postpress.APIError
	if errors.As(err, &apiErr) {
		fmt.Println(apiErr.StatusCode, apiErr.Type)
		fmt.Println("for support:", apiErr.RequestID != "")
	}
	// Output:
	// no such account
	// 404 errors/resource_not_found
	// for support: true
}

func ExampleAPIError_rateLimited() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	srv.Inject(postpresstest.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"60"}}})

	_, err := client.ListAccounts(ctx, postpress.ListOptions{})
	var apiErr *postpress.APIError
	if errors.As(err, &apiErr) && errors.Is(err, postpress.ErrRateLimited) {
		fmt.Println("again after", apiErr.RetryAfter) // longer than the client waits by itself
	}
	// Output: again after 1m0s
}

func ExampleRequestError() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client(postpress.WithRetryPolicy(postpress.RetryPolicy{MaxAttempts: 1}))
	srv.Inject(postpresstest.Fault{Kind: postpresstest.FaultReset})

	_, err := client.GetAccount(context.Background(), "acc_1")
	var lost *postpress.RequestError
	if errors.As(err, &lost) {
		fmt.Println(lost.Method, lost.PathTemplate, errors.Is(err, postpress.ErrUnavailable))
	}
	// Output: GET /accounts/{id} true
}

func ExampleArgumentError() {
	client, err := postpress.New("pp_test_your_key")
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.GetAccount(context.Background(), "../webhooks")
	var bad *postpress.ArgumentError
	if errors.As(err, &bad) {
		fmt.Println(bad.Field+":", bad.Problem)
	}
	// Output: accountID: must be an id as the API gave it, without path separators
}

func ExampleStartError() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	srv.Inject(postpresstest.Fault{Status: http.StatusAccepted, Body: `{"object":"Checkpoint","account_id":"acc_1","checkpoint":{"type":"PASSKEY"}}`})

	_, err := client.StartWhatsAppQR(ctx)
	var start *postpress.StartError
	if errors.As(err, &start) && start.Checkpoint != nil {
		fmt.Println(start.AccountID, "needs", start.Checkpoint.Type, string(start.Checkpoint.Raw))
	}
	// Output: acc_1 needs PASSKEY {"type":"PASSKEY"}
}

func ExampleClient_Do() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	srv.AddAccount(postpresstest.Account{Name: "Ada"})

	var list struct {
		Items []struct{ Name string }
	}
	if err := client.Do(ctx, http.MethodGet, "/accounts?limit=10", nil, &list); err != nil {
		log.Fatal(err)
	}
	fmt.Println(list.Items[0].Name)
	// Output: Ada
}

func ExampleWithIdempotencyKey() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	// The same key starts the same account, also after a restart of the program.
	key := postpress.WithIdempotencyKey("link-user-7-attempt-1")
	first, err := client.StartWhatsAppQR(ctx, key)
	if err != nil {
		log.Fatal(err)
	}
	again, err := client.StartWhatsAppQR(ctx, key)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.AccountID == again.AccountID)
	// Output: true
}

func ExampleWithHeader() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	_, err := client.ListAccounts(ctx, postpress.ListOptions{}, postpress.WithHeader("X-Trace-Id", "trace-1"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(srv.Requests()[0].Header.Get("X-Trace-Id"))
	// Output: trace-1
}

func ExampleWithLogger() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { // for the sake of a stable output
			if slices.Contains([]string{"time", "duration"}, a.Key) {
				return slog.Attr{}
			}
			return a
		},
	}))
	client := srv.Client(postpress.WithLogger(logger))

	if _, err := client.StartWhatsAppQR(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output: level=DEBUG msg="postpress: attempt" method=POST path=/accounts attempt=1 status=202
}

func ExampleWithRetryPolicy() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client(postpress.WithRetryPolicy(postpress.RetryPolicy{MaxAttempts: 1})) // none
	srv.Inject(postpresstest.Fault{Status: http.StatusServiceUnavailable})

	_, err := client.ListAccounts(context.Background(), postpress.ListOptions{})
	fmt.Println(errors.Is(err, postpress.ErrUnavailable), len(srv.Requests()))
	// Output: true 1
}
