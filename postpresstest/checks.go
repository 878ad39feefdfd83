package postpresstest

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	postpress "github.com/postpress-ai/postpress-go"
)

const (
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded"
	maxHook  = 1 << 20
)

// checks lists the battery. Names and order are what a user sees.
func checks() []check {
	return []check{
		{"account status", func(c *checking) { c.understood(typeJSON, jsonBody) }},
		{"no Content-Type", func(c *checking) { c.understood("", jsonBody) }},
		{"form with brackets", func(c *checking) { c.understoodAsForm(FormBrackets) }},
		{"form with dots", func(c *checking) { c.understoodAsForm(FormDots) }},
		{"form with JSON", func(c *checking) { c.understoodAsForm(FormJSON) }},
		{"duplicate", (*checking).duplicate},
		{"unknown status", func(c *checking) { c.accepted("a status that is new", statusBody("acc_check", "HIBERNATING")) }},
		{"foreign event", func(c *checking) {
			c.accepted("an event of another source", `{"event":"message_received","account_id":"acc_check","message":"Hi"}`)
		}},
		{"hosted link", func(c *checking) {
			c.accepted("the notification of a hosted link", `{"status":"CREATION_SUCCESS","account_id":"acc_check","name":"user-1"}`)
		}},
		{"wrong secret", (*checking).wrongSecret},
		{"no secret", (*checking).noSecret},
		{"two secrets", (*checking).twoSecrets},
		{"method", (*checking).otherMethods},
		{"broken JSON", (*checking).brokenJSON},
		{"large body", (*checking).largeBody},
		{"unread body", (*checking).unreadBody},
	}
}

func statusBody(accountID, status string) string {
	return string((&webhookBody{}).body(statusChange(accountID, status), FormBrackets))
}

func statusChange(accountID, status string) change {
	return change{accountID: accountID, provider: postpress.ProviderWhatsApp, message: postpress.Status(status)}
}

func jsonBody(accountID string) string { return statusBody(accountID, "OK") }

func (c *checking) understoodAsForm(f WebhookForm) {
	c.Helper()
	body := func(accountID string) string {
		hook := webhookBody{Format: "form"}
		return string(hook.body(statusChange(accountID, "OK"), f))
	}
	c.understood("", body)
	c.understood(typeForm, body)
}

// understood wants an account status to be answered 200, and the program to be told.
func (c *checking) understood(contentType string, body func(accountID string) string) {
	c.Helper()
	kind := "with Content-Type " + contentType
	if contentType == "" {
		kind = "without a Content-Type"
	}
	c.events++ // a new account each time: some handlers drop what they have seen before
	status, told := c.send(message{contentType: contentType, body: body(fmt.Sprintf("acc_check_%d", c.events))})
	c.exactly200(status, "an account status "+kind)
	if status == http.StatusOK && c.count != nil && told == 0 {
		c.fail("answers 200 to an account status %s, but the program is not told of it: the event is lost. "+
			"The API sends no Content-Type unless a webhook lists one, and ParseForm then finds nothing: "+
			"the body alone says what it is", kind)
	}
}

func (c *checking) exactly200(status int, what string) {
	c.Helper()
	if status != http.StatusOK && status != 0 {
		c.fail("answers %d to %s, want exactly 200: the API takes any other status, 204 and 202 included, "+
			"for a failure, sends the event five more times and then drops it", status, what)
	}
}

func (c *checking) accepted(what, body string) {
	c.Helper()
	status, _ := c.send(message{body: body})
	c.exactly200(status, what)
}

func (c *checking) duplicate() {
	c.Helper()
	for _, what := range []string{"an account status", "the same account status once more, as after a lost answer"} {
		status, _ := c.send(message{body: statusBody("acc_check_twice", "CREDENTIALS")})
		c.exactly200(status, what)
	}
}

func (c *checking) wrongSecret() {
	c.Helper()
	for _, wrong := range []struct{ what, secret string }{
		{"another secret", "not-" + c.secret},
		{"another secret of the same length", strings.Repeat("x", len(c.secret))},
		{"the beginning of the secret", c.secret[:len(c.secret)/2]},
		{"the secret with something after it", c.secret + "x"},
		{"the secret and another one in a list", c.secret + ", x"},
		{"the secret in the wrong case", swapCase(c.secret)},
	} {
		if wrong.secret != c.secret { // a secret may be without letters, or all x
			c.refused(wrong.what, wrong.secret)
		}
	}
}

func swapCase(text string) string {
	if lower := strings.ToLower(text); lower != text {
		return lower
	}
	return strings.ToUpper(text)
}

func (c *checking) noSecret() {
	c.Helper()
	c.refused("no secret header")
	c.refused("an empty secret", "")
}

func (c *checking) twoSecrets() {
	c.Helper()
	c.refused("the secret header twice, wrong and right", "x", c.secret)
	c.refused("the secret header twice, right and wrong", c.secret, "x")
	c.refused("the secret header twice, right both times", c.secret, c.secret)
}

// refused wants 401, and the program not to hear of it.
func (c *checking) refused(what string, secrets ...string) {
	c.Helper()
	m := message{contentType: typeJSON, body: statusBody("acc_check_forged", "DELETED"), secrets: append([]string{}, secrets...)}
	status, told := c.send(m)
	if status != http.StatusUnauthorized && status != 0 {
		c.fail("answers %d to %s, want 401: the header is all that tells the API from anybody "+
			"who has found the URL, and exactly one value must be the secret", status, what)
	}
	if told > 0 {
		c.fail("tells the program of an event that came with %s: anybody could forge one", what)
	}
}

func (c *checking) otherMethods() {
	c.Helper()
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		status, told := c.send(message{method: method, contentType: typeJSON, body: statusBody("acc_check_method", "OK")})
		if status != http.StatusMethodNotAllowed && status != 0 {
			c.fail("answers %d to %s, want 405: the API sends nothing but POST, and a link that is "+
				"opened in a browser must not look like a webhook", status, method)
		}
		if told > 0 {
			c.fail("tells the program of an event that came by %s: the API sends nothing but POST", method)
		}
	}
}

func (c *checking) brokenJSON() {
	c.Helper()
	whole := statusBody("acc_check_broken", "OK")
	status, told := c.send(message{contentType: typeJSON, body: whole[:len(whole)/2]})
	if status != http.StatusBadRequest && status != 0 {
		c.fail("answers %d to broken JSON, want 400: part of the body was lost on the way, and 200 would "+
			"lose the event for good where anything else has the API send it again", status)
	}
	if told > 0 {
		c.fail("tells the program of an event from broken JSON: half a body may say anything")
	}
}

func (c *checking) largeBody() {
	c.Helper()
	fill := strings.Repeat("x", maxHook)
	body := `{"AccountStatus":{"account_id":"acc_check_large","account_type":"WHATSAPP","message":"OK","reason":"` + fill + `"}}`
	for _, large := range []struct {
		what string
		message
	}{
		{"that says so", message{contentType: typeJSON, body: body}},
		{"that does not say its size", message{contentType: typeJSON, reader: io.MultiReader(strings.NewReader(body))}},
	} {
		what := large.what
		status, told := c.send(large.message)
		if status != http.StatusRequestEntityTooLarge && status != 0 {
			c.fail("answers %d to a body over 1 MiB %s, want 413: without a limit of its own a handler "+
				"reads into memory whatever it is sent", status, what)
		}
		if told > 0 {
			c.fail("tells the program of an event over 1 MiB, %s: it was read to its end", what)
		}
	}
}

func (c *checking) unreadBody() {
	c.Helper()
	r := &watched{r: strings.NewReader(statusBody("acc_check_unread", "OK"))}
	status, _ := c.send(message{contentType: typeJSON, secrets: []string{"not-" + c.secret}, reader: r})
	if status != 0 && r.reads > 0 {
		c.fail("reads the body of a request with a wrong secret: strangers can then occupy memory and "+
			"connections. Look at the secret first (the answer was %d)", status)
	}
}

// watched notes whether it was read.
type watched struct {
	r     io.Reader
	reads int
}

func (w *watched) Read(p []byte) (int, error) {
	w.reads++
	return w.r.Read(p)
}
