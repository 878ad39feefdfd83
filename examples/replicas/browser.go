package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/postpress-ai/postpress-go"
)

// browser does what the page of examples/web does, through the balancer.
type browser struct {
	url    string // of the balancer
	client *http.Client
	last   string // id of the last event
}

// step is what the page knows of an event.
type step struct {
	State   postpress.LinkState `json:"state"`
	Code    string              `json:"code"`
	Account struct {
		ID string `json:"id"`
	} `json:"account"`
}

// start begins an attempt, and gives its id.
func (b *browser) start(ctx context.Context) (string, error) {
	res, err := b.do(ctx, http.MethodPost, "/whatsapp/links", `{}`)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct{ ID, Code string }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return "", err
	}
	if answer.ID == "" {
		return "", fmt.Errorf("the start was answered %s (%s)", res.Status, answer.Code)
	}
	return answer.ID, nil
}

func (b *browser) do(ctx context.Context, method, path, body string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, b.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if b.last != "" {
		r.Header.Set("Last-Event-ID", b.last)
	}
	return b.client.Do(r)
}

// watch follows an attempt as an EventSource does: a stream that breaks is opened
// again, from wherever the balancer finds it. It ends with the attempt.
func (b *browser) watch(ctx context.Context, id string, see func(step)) (account string, err error) {
	for {
		s, over := b.stream(ctx, id, see)
		switch {
		case over && s.State == postpress.LinkConnected:
			return s.Account.ID, nil
		case over:
			return "", fmt.Errorf("linking has failed: %s", s.Code)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return "", errors.New("not linked in time")
		}
	}
}

// stream reads one stream to its end; over tells whether that is the attempt's.
func (b *browser) stream(ctx context.Context, id string, see func(step)) (s step, over bool) {
	res, err := b.do(ctx, http.MethodGet, "/whatsapp/links/"+id+"/events", "")
	if err != nil {
		return s, false
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return step{Code: "the replica does not know the attempt"}, true
	}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if event, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			b.last = event
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || json.Unmarshal([]byte(data), &s) != nil {
			continue
		}
		see(s)
		if s.State == postpress.LinkConnected || s.Code != "" {
			return s, true
		}
	}
	return s, false
}
