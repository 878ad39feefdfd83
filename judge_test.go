package postpress

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// verdictRow is what the API answers, one look after another, and how the wait ends.
type verdictRow struct {
	name    string
	answers []answer
	opts    []WaitOption
	want    error // nil: connected
	not     error // must not match
	code    int   // of the *APIError in the error; 0: none
	status  Status
}

func seq(answers ...answer) []answer { return answers }

func runVerdicts(t *testing.T, rows []verdictRow) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t).answers(row.answers...)
				a, err := api.client.WaitForConnection(context.Background(), waitID, row.opts...)
				assert.Len(t, api.times(waitID), len(row.answers), "looks")
				api.assertIdle()
				if row.want == nil {
					require.NoError(t, err)
					assert.Equal(t, waitID, a.ID)
					assert.True(t, a.Connected())
					return
				}
				assert.Nil(t, a)
				var we *WaitError
				require.ErrorAs(t, err, &we)
				if row.want != errAny {
					require.ErrorIs(t, err, row.want)
				}
				if row.not != nil {
					assert.NotErrorIs(t, err, row.not)
				}
				assert.Equal(t, row.status, we.LastStatus)
				assert.Equal(t, len(row.answers), we.Polls)
				assert.Equal(t, api.now(), we.Elapsed)
				var answer *APIError
				if errors.As(err, &answer) {
					assert.Equal(t, row.code, answer.StatusCode)
				} else {
					assert.Zero(t, row.code, "an *APIError was expected")
				}
			})
		})
	}
}

func TestWaitStatuses(t *testing.T) {
	rows := []verdictRow{
		{name: "connected", answers: seq(is(StatusOK))},
		{name: "created", answers: seq(is(StatusCreationSuccess))},
		{name: "pending", answers: seq(is(StatusConnecting), is(StatusConnecting), is(StatusOK))},
		{name: "a status of the future", answers: seq(is("WARMING_UP"), is(StatusOK))},
		{name: "no sources yet", answers: seq(body(200, `{"id":"`+waitID+`","sources":[]}`), is(StatusOK))},
		{name: "an account without its id", answers: seq(body(200, `{"sources":[{"status":"OK"}]}`))},
		{name: "failed after a while", answers: seq(is(StatusConnecting), is(StatusError)), want: ErrConnectionFailed, status: StatusError},
	}
	for _, s := range []Status{StatusCredentials, StatusPermissions, StatusStopped, StatusError, StatusDeleted, StatusCreationFail} {
		rows = append(rows, verdictRow{name: string(s), answers: seq(is(s)), want: ErrConnectionFailed, not: ErrIntentExpired, status: s})
	}
	runVerdicts(t, rows)
}

func TestWaitReconnect(t *testing.T) {
	again := []WaitOption{WithReconnect()}
	rows := []verdictRow{
		{name: "another failure than at first", opts: again, answers: seq(is(StatusCredentials), is(StatusStopped)),
			want: ErrConnectionFailed, status: StatusStopped},
		{name: "back after connecting", opts: again, answers: seq(is(StatusCredentials), is(StatusConnecting), is(StatusCredentials)),
			want: ErrConnectionFailed, status: StatusCredentials},
		{name: "a failure that comes later", opts: again, answers: seq(is(StatusConnecting), is(StatusCredentials)),
			want: ErrConnectionFailed, status: StatusCredentials},
		{name: "deleted is no start", opts: again, answers: seq(is(StatusDeleted)), want: ErrConnectionFailed, status: StatusDeleted},
		{name: "timed out at its start", opts: again, answers: seq(is(StatusStopped), problem(408, "request_timeout"), is(StatusStopped)),
			want: ErrIntentExpired, not: ErrConnectionFailed, status: StatusStopped},
		{name: "an answer without a status is no move", opts: again,
			answers: seq(is(StatusCredentials), body(200, `{}`), is(StatusCredentials), is(StatusOK))},
		{name: "an outage is no move", opts: again,
			answers: seq(is(StatusCredentials), problem(502, "x"), is(StatusCredentials), is(StatusConnecting), is(StatusOK))},
	}
	for _, s := range []Status{StatusCredentials, StatusPermissions, StatusStopped, StatusError} {
		rows = append(rows, verdictRow{name: "from " + string(s), opts: again, answers: seq(is(s), is(s), is(s), is(StatusConnecting), is(StatusOK))})
	}
	runVerdicts(t, rows)
}

func TestWaitExpiry(t *testing.T) {
	gone, bad := problem(408, "request_timeout"), problem(400, "invalid_request")
	rows := []verdictRow{
		{name: "408 then 400", answers: seq(gone, bad), want: ErrIntentExpired, code: 400},
		{name: "408 is not the end", answers: seq(gone, is(StatusConnecting), is(StatusOK))},
		{name: "408 again and again", answers: seq(gone, gone, gone, gone, is(StatusOK))},
		{name: "408 then CREDENTIALS", answers: seq(gone, is(StatusCredentials)), want: ErrIntentExpired, not: ErrConnectionFailed, status: StatusCredentials},
		{name: "408, what says nothing, CREDENTIALS", answers: seq(gone, problem(429, "x"), fails(errCut), problem(502, "x"), is(StatusCredentials)),
			want: ErrIntentExpired, status: StatusCredentials},
		{name: "408, pending, CREDENTIALS", answers: seq(gone, is(StatusConnecting), is(StatusCredentials)),
			want: ErrConnectionFailed, not: ErrIntentExpired, status: StatusCredentials},
		{name: "400 at first", answers: seq(bad), want: errAny, not: ErrIntentExpired, code: 400},
		{name: "400 when pending", answers: seq(is(StatusConnecting), bad), want: ErrIntentExpired, code: 400, status: StatusConnecting},
		{name: "400 after a cut", answers: seq(fails(errCut), bad), want: ErrIntentExpired, code: 400},
		{name: "400 after 425", answers: seq(problem(425, "x"), bad), want: ErrIntentExpired, code: 400},
		{name: "400 after 409", answers: seq(problem(409, "x"), bad), want: ErrIntentExpired, code: 400},
		{name: "400 after 429", answers: seq(problem(429, "x"), bad), want: errAny, not: ErrIntentExpired, code: 400},
		{name: "400 after 404", answers: seq(problem(404, "x"), bad), want: errAny, not: ErrIntentExpired, code: 400},
		{name: "400 after 502", answers: seq(problem(502, "x"), bad), want: errAny, not: ErrIntentExpired, code: 400},
		{name: "killed", answers: seq(problem(500, "authentication_intent_error")), want: ErrIntentExpired, code: 500},
		{name: "killed, the other envelope", answers: seq(body(500, `{"error":{"code":"authentication_intent_error"}}`)), want: ErrIntentExpired, code: 500},
	}
	runVerdicts(t, rows)
}
