package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
	"github.com/postpress-ai/postpress-go/statusbus"
)

// newDouble starts a double of the API, and sets it up as one would the API itself: its
// webhooks wake whoever waits for an account.
func newDouble(set settings) (*postpresstest.Server, *postpress.Client, error) {
	bus := statusbus.NewMemory()
	secret := postpress.GenerateWebhookSecret()
	hooks, err := postpress.NewWebhookHandler(postpress.WebhookConfig{Secrets: []string{secret}, Bus: bus})
	if err != nil {
		return nil, nil, err
	}
	double := postpresstest.NewServer(
		postpresstest.WithWebhookReceiver(hooks),
		postpresstest.WithReissue(postpresstest.ReissueAlways),
		postpresstest.WithHold(500*time.Millisecond), // shorter than the API, to show each status
		postpresstest.WithConnectDelay(set.connectDelay),
	)
	client := double.Client(postpress.WithStatusBus(bus))
	_, err = client.CreateAccountStatusWebhook(context.Background(), "https://web.example.com/webhook", secret)
	return double, client, err
}

// anotherNumber is that of a phone which is nobody's.
const anotherNumber = "4915112345678"

// postPhone does what a person does with the phone: to the newest code on this
// server, whoever looks at it, since this is a demonstration for one.
func (a *app) postPhone(w http.ResponseWriter, r *http.Request) {
	user, err := a.user(r)
	if err != nil {
		http.Error(w, "no session", http.StatusUnauthorized)
		return
	}
	id := a.pending()
	switch r.PathValue("act") {
	case "scan":
		err = a.double.Scan(id)
	case "scan-other":
		err = a.double.ScanAs(id, anotherNumber)
	case "pair":
		var code string
		if code, err = a.double.PairingCode(id); err == nil {
			err = a.double.EnterPairingCode(id, code)
		}
	case "wait":
		err = a.double.Expire(id)
	case "unlink":
		for mine := range a.accountsOf(user) {
			err = errors.Join(err, a.double.SetStatus(mine, postpress.StatusCredentials))
		}
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, "there is nothing to do this to", http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// pending is the account that was last asked a code for, or "".
func (a *app) pending() (id string) {
	for _, known := range a.double.Accounts() {
		if known.Pending {
			id = known.ID
		}
	}
	return id
}
