package postpress_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// A wait that ends without a connected account says how far it came.
func ExampleWaitError() {
	srv := postpresstest.NewServer(postpresstest.WithHold(0))
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	checkpoint, err := client.StartWhatsAppQR(ctx)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.WaitForConnection(ctx, checkpoint.AccountID, postpress.WithWaitTimeout(50*time.Millisecond))
	var wait *postpress.WaitError
	if errors.As(err, &wait) {
		fmt.Println(wait.LastStatus, wait.Polls, wait.AccountID == checkpoint.AccountID, errors.Is(err, context.DeadlineExceeded))
	}
	// Output: CONNECTING 1 true true
}

// A transport of your own, to trace requests for instance. It is used as it is;
// with an *http.Transport, waits get a clone of it.
func ExampleWithHTTPClient() {
	srv := postpresstest.NewServer()
	defer srv.Close()
	traced := roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		fmt.Println(r.Method, r.URL.Path)
		return http.DefaultTransport.RoundTrip(r)
	})
	client, err := postpress.New("pp_test_key", postpress.WithBaseURL(srv.URL),
		postpress.WithHTTPClient(&http.Client{Transport: traced}))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.ListAccounts(context.Background(), postpress.ListOptions{})
	fmt.Println(err)
	// Output:
	// GET /accounts
	// <nil>
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
