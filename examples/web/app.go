package main

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/linkhttp"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

//go:embed page
var page embed.FS

// app is the backend: a page, its users, and which account belongs to whom.
type app struct {
	client *postpress.Client
	double *postpresstest.Server // nil where it talks to the API
	links  *linkhttp.Handler
	key    []byte // signs the sessions

	mu     sync.Mutex
	owners map[string]owned // by account id; a database, in your program
}

// owned is an account that has been linked here.
type owned struct {
	user   string
	number postpress.Secret
}

func newApp(set settings) (*app, error) {
	a := &app{owners: map[string]owned{}, key: make([]byte, 32)}
	_, _ = rand.Read(a.key) // never fails
	var err error
	if os.Getenv("POSTPRESS_API_KEY") != "" {
		a.client, err = postpress.NewFromEnv(postpress.WithApplication("postpress-web", postpress.Version))
	} else {
		a.double, a.client, err = newDouble(set)
	}
	if err != nil {
		return nil, err
	}
	cfg := linkhttp.Config{Client: a.client, Authorize: a.user, Request: a.request, OnConnected: a.connected}
	if set.refresh > 0 {
		cfg.Options = append(cfg.Options, postpress.WithLinkRefresh(set.refresh, 5))
	}
	a.links, err = linkhttp.NewHandler(cfg)
	return a, err
}

func (a *app) close() {
	_ = a.links.Close()
	a.client.Close()
	if a.double != nil {
		a.double.Close()
	}
}

// request decides what a user may link: new accounts, and those that are his, with
// the phone they were linked with.
func (a *app) request(_ *http.Request, user string, in linkhttp.Start) (postpress.LinkRequest, error) {
	req := postpress.LinkRequest{PhoneNumber: in.PhoneNumber}
	if in.AccountID == "" {
		return req, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	account, ok := a.owners[in.AccountID]
	if !ok || account.user != user {
		return req, errors.New("not the owner")
	}
	req.AccountID, req.ExpectPhoneNumber = in.AccountID, account.number
	return req, nil
}

// connected remembers whose the account is.
func (a *app) connected(_ context.Context, user string, account *postpress.Account) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.owners[account.ID] = owned{user, postpress.Secret(account.PhoneNumber())}
	return nil
}

// accountsOf gives the ids of the accounts of a user, and their numbers.
func (a *app) accountsOf(user string) map[string]postpress.Secret {
	a.mu.Lock()
	defer a.mu.Unlock()
	mine := map[string]postpress.Secret{}
	for id, account := range a.owners {
		if account.user == user {
			mine[id] = account.number
		}
	}
	return mine
}

// handler is everything that is served.
func (a *app) handler() http.Handler {
	files, _ := fs.Sub(page, "page") // it is embedded
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", a.withSession(http.FileServerFS(files)))
	mux.Handle("GET /app.js", http.FileServerFS(files))
	mux.Handle("GET /style.css", http.FileServerFS(files))
	mux.Handle("GET /icon.svg", http.FileServerFS(files))
	mux.HandleFunc("GET /accounts", a.getAccounts)
	mux.Handle("/whatsapp/", http.StripPrefix("/whatsapp", a.links))
	if a.double != nil {
		mux.HandleFunc("POST /phone/{act}", a.postPhone)
	}
	return secured(http.NewCrossOriginProtection().Handler(mux))
}

// account is one of the user's, as the page shows it.
type account struct {
	ID             string           `json:"id"`
	Name           string           `json:"name"`
	PhoneNumber    string           `json:"phone_number"`
	Status         postpress.Status `json:"status"`
	NeedsReconnect bool             `json:"needs_reconnect"`
	OtherNumber    bool             `json:"other_number"` // linked again with another phone
}

// getAccounts tells what is linked, and whether this is the double.
func (a *app) getAccounts(w http.ResponseWriter, r *http.Request) {
	user, err := a.user(r)
	if err != nil {
		http.Error(w, "no session", http.StatusUnauthorized)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	answer := struct {
		Demo     bool      `json:"demo"`
		Accounts []account `json:"accounts"`
	}{a.double != nil, []account{}}
	for id, number := range a.accountsOf(user) {
		if found, err := a.client.GetAccount(ctx, id); err == nil {
			answer.Accounts = append(answer.Accounts, account{
				found.ID, found.Name, string(number), found.Status(), found.Status().NeedsReconnect(),
				found.PhoneNumber() != string(number),
			})
		}
	}
	slices.SortFunc(answer.Accounts, func(a, b account) int { return strings.Compare(a.ID, b.ID) })
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the browser has gone if it fails
}
