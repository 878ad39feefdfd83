package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// newHandler serves the controls under /_sandbox/ and the double everywhere else. No
// ServeMux stands before the double: it would redirect unclean paths, which the double answers.
func newHandler(double *postpresstest.Server) http.Handler {
	controls, api := newControls(double), double.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_sandbox/") {
			controls.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// input is the body of any control.
type input struct {
	Phone  string           `json:"phone"`
	Code   string           `json:"code"`
	Status postpress.Status `json:"status"`
}

func newControls(double *postpresstest.Server) http.Handler {
	mux := http.NewServeMux()
	control := func(name string, act func(id string, in input) error) {
		mux.HandleFunc("POST /_sandbox/accounts/{id}/"+name, func(w http.ResponseWriter, r *http.Request) {
			var in input
			if err := decode(r, &in); err != nil {
				reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
				return
			}
			if err := act(r.PathValue("id"), in); err != nil {
				reply(w, statusOf(err), map[string]string{"error": err.Error()})
				return
			}
			reply(w, http.StatusOK, state(double, r.PathValue("id")))
		})
	}
	control("scan", func(id string, in input) error {
		if in.Phone == "" {
			return double.Scan(id)
		}
		return double.ScanAs(id, in.Phone)
	})
	control("pair", func(id string, in input) error { return double.EnterPairingCode(id, in.Code) })
	control("expire", func(id string, _ input) error { return double.Expire(id) })
	control("status", func(id string, in input) error { return double.SetStatus(id, in.Status) })
	mux.HandleFunc("GET /_sandbox/requests", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"requests": logged(double.Requests())})
	})
	mux.HandleFunc("GET /_sandbox/deliveries", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"deliveries": delivered(double.Deliveries())})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusNotFound, map[string]string{"error": "there is no control " + r.Method + " " + r.URL.Path})
	})
	return mux
}

// decode reads an optional JSON object.
func decode(r *http.Request, in *input) error {
	err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<16)).Decode(in)
	if err != nil && !errors.Is(err, io.EOF) {
		return errors.New("the body is not a JSON object as this control takes it: " + err.Error())
	}
	return nil
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, postpresstest.ErrUnknownAccount):
		return http.StatusNotFound
	case errors.Is(err, postpresstest.ErrInvalid), errors.Is(err, postpresstest.ErrWrongCode):
		return http.StatusBadRequest
	}
	return http.StatusConflict
}

type accountState struct {
	AccountID string           `json:"account_id"`
	Status    postpress.Status `json:"status"` // "" for an account that is no more
	Phone     string           `json:"phone"`
}

func state(double *postpresstest.Server, id string) accountState {
	a, _ := double.Account(id)
	return accountState{AccountID: id, Status: a.Status, Phone: a.PhoneNumber}
}

type loggedRequest struct {
	Time           time.Time   `json:"time"`
	Method         string      `json:"method"`
	Path           string      `json:"path"`
	Query          url.Values  `json:"query"`
	Header         http.Header `json:"header"`
	Body           string      `json:"body"`
	IdempotencyKey string      `json:"idempotency_key"`
	RequestID      string      `json:"request_id"`
	Status         int         `json:"status"`
	Replayed       bool        `json:"replayed"`
}

func logged(requests []postpresstest.Request) []loggedRequest {
	out := make([]loggedRequest, len(requests))
	for i, r := range requests {
		out[i] = loggedRequest{
			Time: r.Time, Method: r.Method, Path: r.Path, Query: r.Query, Header: r.Header, Body: string(r.Body),
			IdempotencyKey: r.IdempotencyKey, RequestID: r.RequestID, Status: r.Status, Replayed: r.Replayed,
		}
	}
	return out
}

type loggedDelivery struct {
	Time      time.Time        `json:"time"`
	Event     int              `json:"event"`
	WebhookID string           `json:"webhook_id"`
	URL       string           `json:"url"`
	AccountID string           `json:"account_id"`
	Message   postpress.Status `json:"message"`
	Attempt   int              `json:"attempt"`
	Header    http.Header      `json:"header"`
	Body      string           `json:"body"`
	Status    int              `json:"status"`
	Error     string           `json:"error"`
	Outcome   string           `json:"outcome"`
}

func delivered(deliveries []postpresstest.Delivery) []loggedDelivery {
	out := make([]loggedDelivery, len(deliveries))
	for i, d := range deliveries {
		out[i] = loggedDelivery{
			Time: d.Time, Event: d.Event, WebhookID: d.WebhookID, URL: d.URL, AccountID: d.AccountID, Message: d.Message,
			Attempt: d.Attempt, Header: d.Header, Body: string(d.Body), Status: d.Status, Error: d.Error, Outcome: string(d.Outcome),
		}
	}
	return out
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone if it fails
}
