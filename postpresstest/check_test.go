package postpresstest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

const hookSecret = "whsec_Not-a-secret-1"

// complaints is a T that keeps what it is told, by check.
type complaints map[string][]string

func (complaints) Helper() {}

func (c complaints) Errorf(format string, args ...any) {
	check, text, _ := strings.Cut(fmt.Sprintf(format, args...), ": ")
	c[check] = append(c[check], text)
}

// byHand is a handler that somebody has written without this module. Each field makes
// a mistake in it.
type byHand struct {
	told int

	// What it does before the body.
	panics, takesGet, tellsOfGet, takesAny, takesNone, takesPrefix, takesMore, ignoresCase bool
	takesFirst, takesLast, takesTwice, tellsAnyway, readsFirst, wrongCode                  bool
	// What it does with the body.
	trustsType, noForm, noDots, noFormJSON, trustsLength, noLimit, tellsOfLarge bool
	takesBroken, tellsOfBroken, refusesForeign, refusesUnknown, refusesHosted   bool
	once, accepted, silent, slow                                                bool

	seen map[string]bool
}

func (h *byHand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(h.answer(w, r))
}

func (h *byHand) tell(yes bool) {
	if yes {
		h.told++
	}
}

func (h *byHand) answer(w http.ResponseWriter, r *http.Request) int {
	if h.panics {
		panic("nil map")
	}
	if h.slow {
		<-r.Context().Done()
	}
	if r.Method != http.MethodPost && !h.takesGet {
		h.tell(h.tellsOfGet)
		return http.StatusMethodNotAllowed
	}
	if h.readsFirst {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if !h.knows(r.Header["Postpress-Auth"]) {
		h.tell(h.tellsAnyway)
		if h.wrongCode {
			return http.StatusForbidden
		}
		return http.StatusUnauthorized
	}
	if h.trustsLength && r.ContentLength > 1<<20 {
		return http.StatusRequestEntityTooLarge
	}
	limit := int64(1 << 20)
	if h.noLimit || h.trustsLength {
		limit = 1 << 30
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		h.tell(h.tellsOfLarge)
		return http.StatusRequestEntityTooLarge
	}
	return h.take(r.Header.Get("Content-Type"), string(body))
}

func (h *byHand) knows(values []string) bool {
	if len(values) == 0 || values[0] == "" {
		return h.takesAny || h.takesNone
	}
	last := values[len(values)-1]
	switch {
	case h.takesAny:
		return true
	case h.takesTwice && len(values) == 2 && values[0] == values[1], h.takesFirst && len(values) > 1:
		return values[0] == hookSecret
	case h.takesLast && len(values) > 1:
		return last == hookSecret
	case h.takesPrefix:
		return len(values) == 1 && strings.HasPrefix(hookSecret, last)
	case h.takesMore:
		return len(values) == 1 && strings.HasPrefix(last, hookSecret)
	case h.ignoresCase:
		return len(values) == 1 && strings.EqualFold(hookSecret, last)
	}
	return len(values) == 1 && last == hookSecret
}

func (h *byHand) take(contentType, body string) int {
	ok := http.StatusOK
	if h.accepted {
		ok = http.StatusNoContent
	}
	if h.once && h.seen[body] {
		return http.StatusConflict
	}
	if h.seen == nil {
		h.seen = map[string]bool{}
	}
	h.seen[body] = true
	if h.trustsType && contentType == "" {
		return ok // ParseForm would have found nothing either
	}
	object, known := h.decode(body)
	switch {
	case !known:
		h.tell(h.tellsOfBroken)
		if h.takesBroken {
			return ok
		}
		return http.StatusBadRequest
	case object["event"] != nil && h.refusesForeign, object["status"] != nil && h.refusesHosted,
		strings.Contains(body, "HIBERNATING") && h.refusesUnknown:
		return http.StatusUnprocessableEntity
	}
	h.tell(!h.silent)
	return ok
}

func (h *byHand) decode(body string) (map[string]any, bool) {
	var object map[string]any
	if strings.HasPrefix(body, "{") {
		return object, json.Unmarshal([]byte(body), &object) == nil
	}
	form, err := url.ParseQuery(body)
	_, brackets := form["AccountStatus[message]"]
	_, dots := form["AccountStatus.message"]
	_, inner := form["AccountStatus"]
	return object, err == nil && (brackets && !h.noForm || dots && !h.noDots || inner && !h.noFormJSON)
}

func (h *byHand) check() complaints {
	c := complaints{}
	postpresstest.CheckWebhookHandler(c, h, hookSecret, nil, postpresstest.WithCallbackCount(func() int { return h.told }))
	return c
}

// Every check fails on the mistake it is there for, and only there.
func TestEveryCheckCanFail(t *testing.T) {
	forms := []string{"form with brackets", "form with dots", "form with JSON"}
	good := append([]string{"account status", "no Content-Type", "duplicate", "unknown status", "foreign event", "hosted link"}, forms...)
	all := append([]string{
		"wrong secret", "no secret", "two secrets", "method", "broken JSON", "large body", "unread body",
	}, good...)
	failed := map[string]bool{}
	for name, c := range map[string]struct {
		handler byHand
		want    []string
		says    string
	}{
		"right":            {byHand{}, nil, ""},
		"panics":           {byHand{panics: true}, all, "nil map"},
		"204":              {byHand{accepted: true}, good, "answers 204"},
		"silent":           {byHand{silent: true}, append([]string{"account status", "no Content-Type"}, forms...), "the program is not told"},
		"Content-Type":     {byHand{trustsType: true}, append([]string{"no Content-Type"}, forms...), "without a Content-Type"},
		"no brackets":      {byHand{noForm: true}, forms[:1], "answers 400"},
		"no dots":          {byHand{noDots: true}, forms[1:2], "answers 400"},
		"no JSON in forms": {byHand{noFormJSON: true}, forms[2:], "answers 400"},
		"once":             {byHand{once: true}, []string{"duplicate"}, "answers 409 to the same account status once more"},
		"strict status":    {byHand{refusesUnknown: true}, []string{"unknown status"}, "answers 422"},
		"strict event":     {byHand{refusesForeign: true}, []string{"foreign event"}, "answers 422"},
		"strict hosted":    {byHand{refusesHosted: true}, []string{"hosted link"}, "answers 422"},
		"any secret":       {byHand{takesAny: true}, []string{"wrong secret", "no secret", "two secrets", "unread body"}, "answers 200"},
		"no secret":        {byHand{takesNone: true}, []string{"no secret"}, "answers 200 to an empty secret"},
		"prefix":           {byHand{takesPrefix: true}, []string{"wrong secret"}, "the beginning of the secret"},
		"more":             {byHand{takesMore: true}, []string{"wrong secret"}, "something after it"},
		"case":             {byHand{ignoresCase: true}, []string{"wrong secret"}, "the wrong case"},
		"first value":      {byHand{takesFirst: true}, []string{"two secrets"}, "right and wrong"},
		"last value":       {byHand{takesLast: true}, []string{"two secrets"}, "wrong and right"},
		"same value":       {byHand{takesTwice: true}, []string{"two secrets"}, "right both times"},
		"403":              {byHand{wrongCode: true}, []string{"wrong secret", "no secret", "two secrets"}, "answers 403"},
		"tells anyway":     {byHand{tellsAnyway: true}, []string{"wrong secret", "no secret", "two secrets"}, "anybody could forge one"},
		"GET":              {byHand{takesGet: true}, []string{"method"}, "answers 200 to GET"},
		"tells of GET":     {byHand{tellsOfGet: true}, []string{"method"}, "came by PUT"},
		"broken":           {byHand{takesBroken: true}, []string{"broken JSON"}, "answers 200 to broken JSON"},
		"tells of broken":  {byHand{tellsOfBroken: true}, []string{"broken JSON"}, "half a body"},
		"no limit":         {byHand{noLimit: true}, []string{"large body"}, "that says so"},
		"length":           {byHand{trustsLength: true}, []string{"large body"}, "does not say its size"},
		"tells of large":   {byHand{tellsOfLarge: true}, []string{"large body"}, "over 1 MiB"},
		"reads first":      {byHand{readsFirst: true}, []string{"unread body"}, "Look at the secret first"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.handler.check()
			assert.ElementsMatch(t, c.want, slices.Collect(maps.Keys(got)), "%v", got)
			assert.Contains(t, fmt.Sprint(got), c.says)
			for check := range got {
				if name != "panics" {
					failed[check] = true
				}
			}
		})
	}
	assert.Len(t, failed, len(all), "each check has been seen to fail for a reason of its own")
}

func TestCheckOfASlowHandler(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := byHand{slow: true}
		start := time.Now()
		got := h.check()
		assert.Contains(t, got["account status"][0], "longer than 30s")
		assert.Zero(t, time.Since(start)%(30*time.Second))
	})
}

// A handler that ends its goroutine, as FailNow does, is not said to panic.
func TestCheckOfAHandlerThatFailsTheTest(t *testing.T) {
	c := complaints{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		postpresstest.CheckWebhookHandler(c, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { runtime.Goexit() }), hookSecret)
	}()
	<-done
	assert.Empty(t, c)
}

func TestCheckOptions(t *testing.T) {
	mux := http.NewServeMux()
	h := &byHand{}
	mux.HandleFunc("/hooks/postpress", func(w http.ResponseWriter, r *http.Request) {
		r.Header["Postpress-Auth"] = r.Header["X-Hook"]
		h.ServeHTTP(w, r)
	})
	c := complaints{}
	postpresstest.CheckWebhookHandler(c, mux, hookSecret,
		postpresstest.WithSecretHeader("x-hook"), postpresstest.WithCheckPath("/hooks/postpress"))
	assert.Empty(t, c)
	postpresstest.CheckWebhookHandler(c, mux, hookSecret)
	assert.Contains(t, c["account status"][0], "answers 404")

	c = complaints{}
	postpresstest.CheckWebhookHandler(c, h, "")
	assert.Contains(t, fmt.Sprint(c), "needs a secret")
	for _, odd := range []string{"12345678", "xxxxxxxx", "x"} { // without letters, all the same, short
		always := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
		c = complaints{}
		postpresstest.CheckWebhookHandler(c, always, odd)
		assert.Empty(t, c["wrong secret"])
	}
}

// The handler of this module passes, on a testing.T and on its own.
func TestCheckOfTheRealHandler(t *testing.T) {
	var told atomic.Int32
	h, err := postpress.NewWebhookHandler(postpress.WebhookConfig{
		Secrets: []string{"another-secret-of-16-bytes", hookSecret},
		OnEvent: func(context.Context, *postpress.WebhookEvent) error { told.Add(1); return nil },
	})
	require.NoError(t, err)
	count := postpresstest.WithCallbackCount(func() int { return int(told.Load()) })
	postpresstest.CheckWebhookHandler(t, h, hookSecret, count)
	c := complaints{}
	postpresstest.CheckWebhookHandler(c, h, hookSecret, count)
	assert.Empty(t, c)
}
