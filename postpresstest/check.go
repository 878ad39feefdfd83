package postpresstest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"testing"
	"time"
)

// T is what [CheckWebhookHandler] needs of a test. Every [testing.TB] has it.
type T interface {
	// Helper marks the caller as a helper, as in package testing.
	Helper()
	// Errorf reports a failure and goes on.
	Errorf(format string, args ...any)
}

// checkTime is how long the API waits for an answer.
const checkTime = 30 * time.Second

// A CheckOption changes what [CheckWebhookHandler] sends and looks at.
type CheckOption func(*battery)

// WithSecretHeader names the header that carries the secret; the default is
// Postpress-Auth.
func WithSecretHeader(name string) CheckOption { return func(b *battery) { b.header = name } }

// WithCheckPath sets the path that requests are sent to, for a handler that is a
// router; the default is "/".
func WithCheckPath(path string) CheckOption { return func(b *battery) { b.path = path } }

// WithCallbackCount has the checks look at how often the program has been told of an
// event, such as by the OnEvent of a postpress.WebhookHandler: once or more for each
// account status, never for a request that must be refused. What count returns must
// be up to date when ServeHTTP returns.
func WithCallbackCount(count func() int) CheckOption { return func(b *battery) { b.count = count } }

// CheckWebhookHandler sends a handler of webhooks what the API sends in good and in
// bad days, and what others may send it, and reports each wrong answer with the
// reason why it matters. The secret is the value that the handler expects in the
// header. On a [*testing.T] every check is a subtest. What a handler does with the
// accounts in the requests must not need them to exist.
func CheckWebhookHandler(t T, h http.Handler, secret string, opts ...CheckOption) {
	t.Helper()
	if secret == "" {
		t.Errorf("CheckWebhookHandler needs a secret: without one anybody can send a handler anything")
		return
	}
	b := battery{handler: h, secret: secret, header: "Postpress-Auth", path: "/"}
	for _, o := range opts {
		if o != nil {
			o(&b)
		}
	}
	parent, nested := t.(interface {
		Run(name string, f func(*testing.T)) bool
	})
	for _, c := range checks() {
		if !nested {
			c.run(&checking{T: t, battery: &b, prefix: c.name + ": "})
			continue
		}
		parent.Run(c.name, func(t *testing.T) {
			t.Helper()
			c.run(&checking{T: t, battery: &b})
		})
	}
}

// battery is a handler under test.
type battery struct {
	handler http.Handler
	secret  string
	header  string
	path    string
	count   func() int
	events  int // how many account ids have been made up
}

// check is one thing that a handler must do.
type check struct {
	name string
	run  func(*checking)
}

// checking is a check at work.
type checking struct {
	T
	*battery
	prefix string
}

func (c *checking) fail(format string, args ...any) {
	c.Helper()
	c.Errorf("%s%s", c.prefix, fmt.Sprintf(format, args...))
}

// message is a request in the making: right in all that is not said otherwise.
type message struct {
	method      string
	contentType string
	body        string
	secrets     []string  // values of the header, one line each; nil is the right one
	reader      io.Reader // instead of the body, of unknown length
}

// send returns the status that the handler answers, 0 if it does not, and how often
// the program was told meanwhile.
func (c *checking) send(m message) (status, told int) {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), checkTime)
	defer cancel()
	before := c.told()
	w := httptest.NewRecorder()
	if !c.serve(w, c.request(ctx, m)) {
		return 0, c.told() - before
	}
	if ctx.Err() != nil {
		c.fail("the answer took longer than %v: the API has given up by then and sends the event again", checkTime)
	}
	return w.Code, c.told() - before
}

func (c *checking) request(ctx context.Context, m message) *http.Request {
	if m.method == "" {
		m.method = http.MethodPost
	}
	if m.reader == nil {
		m.reader = bytes.NewReader([]byte(m.body))
	}
	r := httptest.NewRequestWithContext(ctx, m.method, c.path, m.reader)
	if m.secrets == nil {
		m.secrets = []string{c.secret}
	}
	for _, secret := range m.secrets {
		r.Header.Add(c.header, secret)
	}
	if m.contentType != "" {
		r.Header.Set("Content-Type", m.contentType)
	}
	return r
}

// serve reports whether the handler came to its end.
func (c *checking) serve(w http.ResponseWriter, r *http.Request) (ended bool) {
	c.Helper()
	defer func() {
		if ended {
			return
		}
		p := recover()
		if p == nil {
			return // runtime.Goexit, by a FailNow: it has been said what is wrong
		}
		c.Helper()
		c.fail("the handler panics: %v: the API sees a broken connection and sends the event again\n%s", p, debug.Stack())
	}()
	c.handler.ServeHTTP(w, r)
	return true
}

func (c *checking) told() int {
	if c.count == nil {
		return 0
	}
	return c.count()
}
