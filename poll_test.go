package postpress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWaitArgumentsAreCheckedBeforeAnyRequest(t *testing.T) {
	for name, row := range map[string]struct {
		id    string
		opt   WaitOption
		field string
	}{
		"no id":             {"", nil, "accountID"},
		"a path":            {"../webhooks", nil, "accountID"},
		"interval 0":        {waitID, WithPollInterval(0, time.Second), "WithPollInterval"},
		"negative":          {waitID, WithPollInterval(-1, time.Second), "WithPollInterval"},
		"max before min":    {waitID, WithPollInterval(2*time.Second, time.Second), "WithPollInterval"},
		"max overflows":     {waitID, WithPollInterval(math.MaxInt64, math.MaxInt64), "WithPollInterval"},
		"poll time-out 0":   {waitID, WithPollTimeout(0), "WithPollTimeout"},
		"wait time-out 0":   {waitID, WithWaitTimeout(0), "WithWaitTimeout"},
		"negative time-out": {waitID, WithWaitTimeout(-time.Second), "WithWaitTimeout"},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t).answers(is(StatusOK))
				_, err := api.client.WaitForConnection(context.Background(), row.id, nil, row.opt)
				var bad *ArgumentError
				require.ErrorAs(t, err, &bad)
				assert.Equal(t, row.field, bad.Field)
				var we *WaitError
				assert.False(t, errors.As(err, &we))
				assert.Empty(t, api.all)
				api.assertIdle()
			})
		})
	}
}

func TestWaitIsBounded(t *testing.T) {
	hour, cancel := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), time.Hour)
	}, func() {}
	unbounded := func() (context.Context, context.CancelFunc) { return context.Background(), cancel }
	for name, row := range map[string]struct {
		ctx  func() (context.Context, context.CancelFunc)
		opts []WaitOption
		want time.Duration
	}{
		"by default":                    {unbounded, nil, 5*time.Minute + 30*time.Second},
		"by the context alone":          {hour, nil, time.Hour},
		"by the option":                 {unbounded, []WaitOption{WithWaitTimeout(7 * time.Second)}, 7 * time.Second},
		"by an option above default":    {unbounded, []WaitOption{WithWaitTimeout(20 * time.Minute)}, 20 * time.Minute},
		"by the option and the context": {hour, []WaitOption{WithWaitTimeout(time.Minute)}, time.Minute},
		"by the context, not an option": {hour, []WaitOption{WithWaitTimeout(2 * time.Hour)}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t).answers(is(StatusConnecting))
				ctx, cancel := row.ctx()
				defer cancel()
				_, err := api.client.WaitForConnection(ctx, waitID, row.opts...)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				var we *WaitError
				require.ErrorAs(t, err, &we)
				assert.Equal(t, row.want, api.now())
				assert.Equal(t, row.want, we.Elapsed)
				assert.Equal(t, StatusConnecting, we.LastStatus)
				assert.Equal(t, len(api.all), we.Polls)
				assert.NotContains(t, err.Error(), "before that", "the last answer was no error")
				api.assertIdle()
			})
		})
	}
}

func TestWaitErrorSaysWhatWasKnown(t *testing.T) {
	virtual(t, func(t *testing.T) {
		why := errors.New("the viewer left")
		api := newWaitAPI(t).answers(is(StatusConnecting), problem(502, "proxy_error"))
		ctx, cancel := context.WithCancelCause(context.Background())
		done := api.wait(ctx, waitID)
		time.Sleep(4 * time.Second)
		cancel(why)
		got := <-done
		require.ErrorIs(t, got.err, context.Canceled)
		require.ErrorIs(t, got.err, why, "the cause is kept")
		require.ErrorIs(t, got.err, ErrUnavailable)
		var answer *APIError
		require.ErrorAs(t, got.err, &answer)
		assert.Equal(t, 502, answer.StatusCode)
		assert.Equal(t, "postpress: waiting for account "+waitID+": context canceled: the viewer left; before that: "+
			"postpress: GET /accounts/{id}: 502 Bad Gateway (errors/proxy_error): T (last status CONNECTING, polls 2, waited 4s)", got.err.Error())
	})
}

func TestWaitErrorText(t *testing.T) {
	e := &WaitError{AccountID: "acc\n1", LastStatus: "A\nB", Polls: 3, Elapsed: 1500 * time.Millisecond, Err: ErrConnectionFailed}
	assert.Equal(t, "postpress: waiting for account acc 1: the account did not connect (last status A B, polls 3, waited 1.5s)", e.Error())
	assert.Equal(t, "postpress: waiting for account : <nil> (last status unknown, polls 0, waited 0s)", (&WaitError{}).Error())
	assert.Equal(t, "<nil>", fmt.Sprintf("%v", (*WaitError)(nil)))
}

func TestWaitErrorPrintsNoSecret(t *testing.T) {
	virtual(t, func(t *testing.T) {
		secret := "2@qr-text-that-links,abc"
		api := newWaitAPI(t).answers(body(403, `{"title":"no","detail":"key `+waitKey+` of 33612345678","qrcode":"`+secret+`"}`))
		_, err := api.client.WaitForConnection(context.Background(), waitID)
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "err", err)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "err", err)
		for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%d", "%x"} {
			fmt.Fprintf(&log, verb+"\n", err)
		}
		for _, s := range []string{waitKey, "33612345678", secret} {
			assert.NotContains(t, log.String(), s)
		}
		assert.Contains(t, log.String(), "403 Forbidden")
	})
}

func TestWaitProgress(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(is(StatusConnecting), problem(503, "no_channel"), held(time.Minute, is(StatusOK)), is(StatusConnecting), is(StatusOK))
		var told []WaitProgress
		waiting := true // unguarded: the race detector proves that f runs on the waiting goroutine
		_, err := api.client.WaitForConnection(context.Background(), waitID, WithProgress(func(p WaitProgress) {
			assert.True(t, waiting)
			assert.Equal(t, api.now(), p.Elapsed, "told as it is known")
			told = append(told, p)
		}))
		waiting = false
		require.NoError(t, err)
		require.Len(t, told, 5)
		for i, p := range told {
			assert.Equal(t, waitID, p.AccountID)
			assert.Equal(t, i+1, p.Polls)
		}
		statuses := []Status{StatusConnecting, StatusConnecting, StatusConnecting, StatusConnecting, StatusOK}
		for i, want := range statuses {
			assert.Equal(t, want, told[i].Status)
		}
		require.ErrorIs(t, told[1].Err, ErrUnavailable)
		for _, i := range []int{0, 2, 3, 4} {
			assert.NoError(t, told[i].Err, "no reason to worry: %d", i)
		}
		assert.Equal(t, 25*time.Second, told[2].Elapsed-api.times(waitID)[2], "held until its time-out")
	})
}

// A callback that takes its time misses nothing but the answers in between.
func TestWaitProgressTakesItsTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		api := newWaitAPI(t).answers(held(time.Second, is(StatusConnecting)), is(StatusConnecting), is(StatusConnecting), is(StatusConnecting), is(StatusOK))
		quick := api.wait(context.Background(), waitID)
		var polls []int
		slow := api.wait(context.Background(), waitID, WithProgress(func(p WaitProgress) {
			polls = append(polls, p.Polls)
			time.Sleep(time.Minute)
		}))
		require.NoError(t, (<-quick).err)
		got := <-slow
		require.NoError(t, got.err)
		assert.Equal(t, []int{1, 5}, polls)
		assert.Equal(t, 2*time.Minute+time.Second, got.at)
		assert.Len(t, api.all, 5, "both share the looks")
		api.assertIdle()
	})
}
