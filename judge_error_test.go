package postpress

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	errAny    = errors.New("any") // see verdictRow: matched by every *WaitError of a row
	errCut    = io.ErrUnexpectedEOF
	errDial   = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	errNoHost = &net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true}
	errCert   = x509.UnknownAuthorityError{}
)

func TestWaitEnds(t *testing.T) {
	rows := []verdictRow{
		{name: "401", answers: seq(problem(401, "invalid_credentials")), want: ErrUnauthorized, code: 401},
		{name: "401 later", answers: seq(is(StatusConnecting), problem(401, "x")), want: ErrUnauthorized, code: 401, status: StatusConnecting},
		{name: "403", answers: seq(problem(403, "x")), want: ErrForbidden, code: 403},
		{name: "no such host", answers: seq(fails(errNoHost)), want: ErrUnavailable},
		{name: "no trust", answers: seq(fails(errCert)), want: errCert},
		{name: "too large", answers: seq(body(200, `{"name":"`+string(make([]byte, 11<<20))+`"}`)), want: ErrResponseTooLarge},
	}
	for _, code := range []int{301, 307, 402, 405, 407, 410, 422, 451, 501} {
		rows = append(rows, verdictRow{name: fmt.Sprint(code), answers: seq(problem(code, "x")), want: errAny, code: code})
	}
	runVerdicts(t, rows)
}

// Nothing of this says anything of the account.
func TestWaitGoesOn(t *testing.T) {
	var rows []verdictRow
	later := func(name string, a answer) {
		rows = append(rows,
			verdictRow{name: name + " at first", answers: seq(a, a, is(StatusOK))},
			verdictRow{name: name + " later", answers: seq(is(StatusConnecting), a, a, is(StatusConnecting), is(StatusOK))})
	}
	for _, code := range []int{409, 425, 429, 500, 502, 503, 504, 505, 520, 524, 599} {
		later(fmt.Sprint(code), problem(code, "unexpected_error"))
	}
	later("404", problem(404, "resource_not_found"))
	later("a page of a gateway", body(502, "<html><h1>Bad Gateway</h1></html>"))
	later("a page of a portal", body(200, "<html><h1>Welcome to the hotel</h1></html>"))
	later("nothing", body(200, ""))
	later("204", body(204, ""))
	later("no object", body(200, `"soon"`))
	later("cut", fails(errCut))
	later("refused", fails(errDial))
	for name, err := range map[string]error{"no such host": errNoHost, "no trust": errCert} {
		rows = append(rows, verdictRow{name: name + " later", answers: seq(is(StatusConnecting), fails(err), fails(err), is(StatusOK))},
			verdictRow{name: name + " after an error", answers: seq(problem(503, "x"), fails(err), is(StatusOK))})
	}
	runVerdicts(t, rows)
}

func TestWaitNotFound(t *testing.T) {
	missing := problem(404, "resource_not_found")
	// The end is the first look 15 s after the first 404, neither earlier nor later.
	run := func(t *testing.T, first int, answers ...answer) {
		virtual(t, func(t *testing.T) {
			api := newWaitAPI(t).answers(answers...)
			_, err := api.client.WaitForConnection(context.Background(), waitID)
			require.ErrorIs(t, err, ErrNotFound)
			looks := api.times(waitID)
			last := len(looks) - 1
			assert.GreaterOrEqual(t, looks[last]-looks[first], 15*time.Second)
			assert.Less(t, looks[last-1]-looks[first], 15*time.Second)
			assert.Equal(t, looks[last], api.now(), "it ends as the answer comes")
			assert.LessOrEqual(t, api.now()-looks[first], 15*time.Second+2500*time.Millisecond, "looks stay close together")
			api.assertIdle()
		})
	}
	t.Run("from the beginning", func(t *testing.T) { run(t, 0, missing) })
	t.Run("an outage does not prolong it", func(t *testing.T) { run(t, 0, missing, problem(502, "x"), missing) })
	t.Run("it was there", func(t *testing.T) { run(t, 2, missing, is(StatusConnecting), missing) })
}

func TestWaitErrorUnwrapsToTheNetworksError(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(fails(errNoHost))
		_, err := api.client.WaitForConnection(context.Background(), waitID)
		var dns *net.DNSError
		require.ErrorAs(t, err, &dns)
		var none *RequestError
		require.ErrorAs(t, err, &none)
		assert.Equal(t, "/accounts/{id}", none.PathTemplate)
	})
}
