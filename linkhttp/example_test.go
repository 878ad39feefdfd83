package linkhttp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/linkhttp"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// userOf stands for your own login.
func userOf(r *http.Request) (string, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return "", err
	}
	return map[string]string{"s3cr3t": "ada"}[cookie.Value], nil
}

// A browser links an account: it starts, follows the steps, and is told of the account.
func Example() {
	double := postpresstest.NewServer()
	defer double.Close()
	handler, err := linkhttp.NewHandler(linkhttp.Config{
		Client:    double.Client(),
		Authorize: userOf,
		OnConnected: func(_ context.Context, userID string, account *postpress.Account) error {
			fmt.Println("save that", userID, "owns", account.Provider)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer handler.Close()
	mux := http.NewServeMux()
	mux.Handle("/whatsapp/", http.StripPrefix("/whatsapp", handler))
	server := httptest.NewServer(mux)
	defer server.Close()

	// What the JavaScript of a page does with fetch and EventSource:
	res := ask(server.URL, "POST", "/whatsapp/links", `{}`)
	var started struct{ ID string }
	_ = json.NewDecoder(res.Body).Decode(&started)
	fmt.Println(res.Status)
	stream := ask(server.URL, "GET", "/whatsapp/links/"+started.ID+"/events", "")
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, isData := strings.CutPrefix(lines.Text(), "data: ")
		var step struct {
			State string
			QRSVG string `json:"qr_svg"`
		}
		if isData && json.Unmarshal([]byte(data), &step) == nil {
			fmt.Println(step.State, "with a picture:", strings.HasPrefix(step.QRSVG, "<svg"))
		}
		if step.State == "show" {
			_ = double.Scan(double.Accounts()[0].ID) // what the person does
		}
	}
	// Output:
	// 201 Created
	// show with a picture: true
	// save that ada owns WHATSAPP
	// connected with a picture: false
}

func ask(base, method, path, body string) *http.Response {
	r, _ := http.NewRequest(method, base+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.AddCookie(&http.Cookie{Name: "session", Value: "s3cr3t"})
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		panic(err)
	}
	return res
}

// Linking an existing account again: only its owner may, and only with its own phone.
func ExampleConfig_reconnect() {
	double := postpresstest.NewServer(postpresstest.WithSeed(1))
	defer double.Close()
	account := double.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials, PhoneNumber: "33612345678"})
	owners := map[string]string{account.ID: "ada"}

	handler, err := linkhttp.NewHandler(linkhttp.Config{
		Client:    double.Client(),
		Authorize: userOf,
		Request: func(_ *http.Request, userID string, in linkhttp.Start) (postpress.LinkRequest, error) {
			req := postpress.LinkRequest{PhoneNumber: in.PhoneNumber}
			if in.AccountID == "" {
				return req, nil
			}
			if owners[in.AccountID] != userID {
				return req, errors.New("not the owner") // answered 403, in general words
			}
			req.AccountID, req.ExpectPhoneNumber = in.AccountID, "33612345678"
			return req, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer handler.Close()
	server := httptest.NewServer(handler)
	defer server.Close()
	fmt.Println(ask(server.URL, "POST", "/links", `{"account_id":"acc_of_somebody_else"}`).Status)
	fmt.Println(ask(server.URL, "POST", "/links", `{"account_id":"`+account.ID+`"}`).Status)
	// Output:
	// 403 Forbidden
	// 201 Created
}

// An error that chooses what the browser is told.
func ExampleProblem() {
	var err error = &linkhttp.Problem{Status: http.StatusPaymentRequired, Code: "upgrade", Message: "Your plan has one account."}
	fmt.Println(err)
	// Output: linkhttp: 402 upgrade: Your plan has one account.
}
