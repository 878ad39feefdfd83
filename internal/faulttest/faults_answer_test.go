package faulttest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"time"
)

func httpFaults() []fault {
	const ok = "HTTP/1.1 200 OK\r\n"
	verbatim := func(text string) func(*exchange) { return after(text, (*exchange).close) }
	return []fault{
		{name: "another protocol", answer: verbatim("SSH-2.0-OpenSSH_9.9\r\n")},
		{name: "a body without a head", answer: verbatim(secretBody + "\r\n\r\n")},
		{name: "status that is no number", answer: verbatim("HTTP/1.1 " + phone + " OK\r\n\r\n")},
		{name: "header line without a colon", answer: verbatim(ok + "2@refHidden,advHidden==" + "\r\n\r\n")},
		{name: "Content-Length that is no number", answer: verbatim(ok + "Content-Length: " + pairing + "\r\n\r\n")},
		{name: "chunk without a length", answer: verbatim(ok + "Transfer-Encoding: chunked\r\n\r\n" + secretBody + "\r\n")},
		{name: "unasked upgrade", answer: verbatim("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")},
		{name: "endless 1xx", skip: costly, answer: verbatim(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 40000))},
		{name: "headers of 2 MB", skip: costly, answer: verbatim(ok + "X-Long: " + strings.Repeat("x", 2<<20) + "\r\n\r\n")},
		{name: "gzip that is none", answer: func(x *exchange) {
			x.answer(http.StatusOK, "application/json", "Content-Encoding: gzip\r\n", secretBody)
		}},
	}
}

// zeros is a small answer that unpacks to more than the limit.
func zeros() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 11<<20))
	_ = z.Close()
	return b.String()
}

// costly skips calls that read an answer as others do.
var costly = []string{"ConnectAccount", "LinkWhatsApp"}

// says answers with a success of this body, to whatever was asked.
func says(body string) func(*exchange) {
	return func(x *exchange) { x.json(http.StatusOK, body) }
}

func bodyFaults() []fault {
	quoted := `"` + strings.ReplaceAll(secretBody, `"`, `\"`) + `"`
	typed := `{"object":7,"account_id":17,"id":17,"name":5,"type":{},"created_at":12,"connection_params":[` + phone + `],` +
		`"sources":[{"id":1,"status":"OK"}],"checkpoint":{"type":"QRCODE","qrcode":12345,"contract_options":{"a":1}}}`
	nulls := `{"object":null,"account_id":null,"id":null,"name":null,"type":null,"created_at":null,"connection_params":null,` +
		`"sources":null,"checkpoint":null}`
	deep := func(n int) string {
		return `{"id":"acc_1","account_id":"acc_1","qrcode":"` + qrText + `","sources":[{"status":"OK"}],"x":` +
			strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	bomb := zeros()
	big := `{"id":"` + strings.Repeat("x", 11<<20) + `"}`
	whole := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(big), big)
	chunk := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(big), big)
	writes := func(b []byte) func(*exchange) { return func(x *exchange) { _, _ = x.c.Write(b) } }
	return []fault{
		{name: "empty body", answer: says("")},
		{name: "HTML page, status 200", answer: page(http.StatusOK)},
		{name: "JSON cut short, its length as announced", answer: says(secretBody[:len(secretBody)-20])},
		{name: "text after the JSON", answer: says(secretBody + secretBody)},
		{name: "JSON string", answer: says(quoted)},
		{name: "JSON list", answer: says("[" + secretBody + "]")},
		{name: "JSON number", answer: says(phone)},
		{name: "JSON null", answer: says("null")},
		{name: "empty object", answer: says("{}")},
		{name: "nulls everywhere", answer: says(nulls)},
		{name: "numbers for texts, lists for objects", answer: says(typed)},
		{name: "nested 9,000 deep", answer: says(deep(9000))},
		{name: "nested 100,000 deep", answer: says(deep(100_000))},
		{name: "11 MB, announced", answer: writes(whole)},
		{name: "11 MB, in chunks", skip: costly, answer: writes(chunk)},
		{name: "11 MB, packed into 11 KB", skip: costly, answer: func(x *exchange) {
			x.answer(http.StatusOK, "application/json", "Content-Encoding: gzip\r\n", bomb)
		}},
	}
}

func page(status int) func(*exchange) {
	return func(x *exchange) {
		x.answer(status, "text/html", "", "<html><head><title>Sign in</title></head><body>Guest network "+phone+"</body></html>")
	}
}

// refuses answers with an error of the API that repeats secrets in all its words.
func refuses(status int, kind string) func(*exchange) {
	body := fmt.Sprintf(`{"status":%d,"type":"errors/%s","title":"About %s","detail":"%s for %s and %s"}`,
		status, kind, phone, pairing, qrText, apiKey)
	return func(x *exchange) { x.json(status, body) }
}

func noFaults() []fault {
	redirect := func(x *exchange) {
		x.answer(http.StatusTemporaryRedirect, "text/plain", "Location: https://elsewhere.example/"+phone+"\r\n", "")
	}
	return []fault{
		{name: "307 to another host", answer: redirect},
		{name: "400", answer: refuses(400, "invalid_parameters")},
		{name: "401", answer: refuses(401, "invalid_credentials")},
		{name: "403", answer: refuses(403, "feature_not_subscribed")},
		{name: "404", answer: refuses(404, "resource_not_found"), skip: []string{"WaitForConnection"}}, // has a grace of 15 s
		{name: "408", answer: refuses(408, "request_timeout")},
		{name: "409", answer: refuses(409, "conflict")},
		{name: "422", answer: refuses(422, "unprocessable")},
		{name: "425", answer: refuses(425, "in_progress")},
		{name: "429", looks: 1, answer: refuses(429, "too_many_requests")},
		{name: "500, unexpected", passes: true, answer: refuses(500, "unexpected_error")},
		{name: "500, the intent was killed", answer: refuses(500, "authentication_intent_error")},
		{name: "501", answer: refuses(501, "not_implemented")},
		{name: "502, an HTML page", passes: true, answer: page(http.StatusBadGateway)},
		{name: "503", passes: true, answer: refuses(503, "service_unavailable")},
		{name: "503, no handler", passes: true, answer: refuses(503, "no_handler")},
		{name: "504", passes: true, answer: refuses(504, "request_timeout")},
	}
}

// later answers 429 with a date that is ahead of a server's clock which is off.
func later(off, ahead time.Duration) func(*exchange) {
	return func(x *exchange) {
		now := time.Now().UTC().Add(off)
		x.answer(http.StatusTooManyRequests, "application/json", fmt.Sprintf("Date: %s\r\nRetry-After: %s\r\n",
			now.Format(http.TimeFormat), now.Add(ahead).Format(http.TimeFormat)), `{"type":"errors/too_many_requests","title":"Slow down"}`)
	}
}

func clockFaults() []fault {
	const ahead, hour = time.Second, time.Hour
	return []fault{
		{name: "429, Retry-After a date 1 s ahead", looks: 1, passes: true, answer: later(0, ahead)},
		{name: "the same, our clock an hour slow", looks: 1, passes: true, answer: later(hour, ahead)},
		{name: "the same, our clock an hour fast", looks: 1, passes: true, answer: later(-hour, ahead)},
		{name: "429, Retry-After a date an hour ahead", looks: 1, answer: later(0, hour)},
		{name: "429, Retry-After beyond all bounds", looks: 1, answer: func(x *exchange) {
			x.answer(http.StatusTooManyRequests, "application/json", "Retry-After: 9223372037\r\n", `{"title":"Slow down"}`)
		}},
	}
}
