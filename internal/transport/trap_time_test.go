package transport

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The traps that are about time, on the fake clock of a bubble: delays are exact.

func TestTrapStalledBodyIsBounded(t *testing.T) {
	stall := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"type":`))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // the client has gone
	}
	servePipe(t, stall, func(t *testing.T, client *http.Client) {
		tr := newTransport(t, "http://api.test", client, func(c *Config) { c.Timeout = 10 * time.Second })
		began := time.Now()
		_, err := tr.Do(t.Context(), get())
		f := failure(t, err)
		assert.Equal(t, TimedOut, f.Kind)
		assert.ErrorIs(t, err, ErrAttemptTimeout)
		assert.Equal(t, "no complete answer within the time-out of one attempt", err.Error())
		var ne interface{ Timeout() bool }
		require.ErrorAs(t, err, &ne)
		assert.True(t, ne.Timeout())
		assert.Equal(t, 3, f.Attempts)
		elapsed := time.Since(began)
		assert.GreaterOrEqual(t, elapsed, 30*time.Second)
		assert.LessOrEqual(t, elapsed, 31*time.Second)
	})
}

func TestTimeoutCoversHeadersAndIsRetried(t *testing.T) {
	// net/http reports the context's cause, other RoundTrippers its error.
	plain := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	for _, slow := range []step{hangs, plain} {
		synctest.Test(t, func(t *testing.T) {
			s, client := play(slow, answers(200, "{}"), slow)
			tr := newTransport(t, "http://api.test", client, func(c *Config) { c.Timeout = time.Second })
			resp, err := tr.Do(t.Context(), get())
			require.NoError(t, err)
			assert.Equal(t, 2, resp.Attempts)
			assert.GreaterOrEqual(t, s.gaps()[0], time.Second+minDelay)
			assert.LessOrEqual(t, s.gaps()[0], time.Second+minDelay+testPolicy.BaseDelay)

			_, err = tr.Do(t.Context(), post(""))
			assert.Equal(t, TimedOut, failure(t, err).Kind)
			assert.ErrorIs(t, err, ErrAttemptTimeout)
			assert.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's deadline has not passed")
		})
	}
}

// The header of an answer two attempts ago says nothing about the connection lost since.
func TestRetryAfterIsOfTheLatestAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := play(answers(503, "", "Retry-After", "20"), fails(errReset), answers(200, "{}"))
		_, err := newTransport(t, "http://api.test", client).Do(t.Context(), get())
		require.NoError(t, err)
		assert.GreaterOrEqual(t, s.gaps()[0], 20*time.Second)
		assert.LessOrEqual(t, s.gaps()[1], minDelay+2*testPolicy.BaseDelay)
	})
}

func TestNoTimeoutMeansTheContextsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := play(hangs)
		tr := newTransport(t, "http://api.test", client, func(c *Config) { c.Timeout = 0 })
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		began := time.Now()
		_, err := tr.Do(ctx, get())
		assert.Equal(t, Ended, failure(t, err).Kind)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.NotErrorIs(t, err, ErrAttemptTimeout)
		assert.Equal(t, 24*time.Hour, time.Since(began))
		assert.Len(t, s.at, 1)
	})
}

// 50 ms + U(0, min(MaxDelay, BaseDelay·2ⁿ)), spread over the whole range.
func TestBackoffBounds(t *testing.T) {
	for n, spread := range map[int]time.Duration{
		0: 200 * time.Millisecond, 1: 400 * time.Millisecond, 4: 3200 * time.Millisecond,
		5: 5 * time.Second, 40: 5 * time.Second, 100: 5 * time.Second,
	} {
		var low, high int
		for range 2000 {
			d, ok := testPolicy.delay(n, 0)
			require.True(t, ok)
			require.GreaterOrEqual(t, d, minDelay)
			require.LessOrEqual(t, d, minDelay+spread)
			if d < minDelay+spread/4 {
				low++
			}
			if d > minDelay+spread*3/4 {
				high++
			}
		}
		assert.Greater(t, low, 300, "retry %d", n)
		assert.Greater(t, high, 300, "retry %d", n)
	}
}

func TestBackoffOfExtremePolicies(t *testing.T) {
	const ever = time.Duration(1<<63 - 1)
	for _, p := range []Policy{
		{}, {BaseDelay: ever, MaxDelay: ever}, {BaseDelay: 1, MaxDelay: ever}, {BaseDelay: 1000 * time.Hour, MaxDelay: 2000 * time.Hour},
	} {
		for n := range 100 {
			d, ok := p.delay(n, 0)
			assert.True(t, ok)
			assert.GreaterOrEqual(t, d, minDelay, "%+v, retry %d", p, n)
		}
	}
	d, ok := Policy{MaxRetryAfter: ever}.delay(0, maxRetryAfter)
	assert.True(t, ok)
	assert.Greater(t, d, maxRetryAfter)
}

func TestBackoffGrowsWithTheAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := play(answers(502, ""))
		tr := newTransport(t, "http://api.test", client, func(c *Config) { c.Retry.MaxAttempts = 9 })
		resp, err := tr.Do(t.Context(), get())
		require.NoError(t, err)
		assert.Equal(t, 9, resp.Attempts)
		spread := testPolicy.BaseDelay
		for n, gap := range s.gaps() {
			assert.GreaterOrEqual(t, gap, minDelay)
			assert.LessOrEqual(t, gap, minDelay+min(spread<<n, testPolicy.MaxDelay))
		}
	})
}

func TestTrapRetryAfterIsHonouredWithJitter(t *testing.T) {
	forms := map[string]func() string{
		"seconds":   func() string { return "20" },
		"HTTP date": func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) },
		"RFC 850":   func() string { return time.Now().Add(20 * time.Second).UTC().Format("Monday, 02-Jan-06 15:04:05 GMT") },
	}
	for name, form := range forms {
		for _, status := range []int{429, 503, 502, 408} {
			synctest.Test(t, func(t *testing.T) {
				distinct := map[time.Duration]bool{}
				for range 10 {
					s, client := play(answers(status, "", "Retry-After", form()), answers(200, "{}"))
					_, err := newTransport(t, "http://api.test", client).Do(t.Context(), get())
					require.NoError(t, err)
					gap := s.gaps()[0]
					assert.GreaterOrEqual(t, gap, 19*time.Second, name) // a date has whole seconds
					assert.LessOrEqual(t, gap, 22*time.Second+minDelay, name)
					if name == "seconds" {
						assert.GreaterOrEqual(t, gap, 20*time.Second)
					}
					distinct[gap] = true
				}
				assert.Greater(t, len(distinct), 5, "no jitter")
			})
		}
	}
}

func TestTrapRetryAfterOverflow(t *testing.T) {
	for _, v := range []string{"2147483648", "9223372037", "18446744074", "9223372036854775807", "99999999999999999999999"} {
		synctest.Test(t, func(t *testing.T) {
			s, client := play(answers(429, "{}", "Retry-After", v))
			resp, err := newTransport(t, "http://api.test", client).Do(t.Context(), get())
			require.NoError(t, err)
			assert.Equal(t, 429, resp.StatusCode)
			assert.Len(t, s.at, 1, "Retry-After: %s was taken for a short one", v)
			assert.Equal(t, maxRetryAfter, RetryAfter(resp.Header, time.Now()))
		})
	}
}

func TestTrapRetryAfterBeyondCapReturnsAnswer(t *testing.T) {
	for after, attempts := range map[string]int{"30": 3, "31": 1, "86400": 1} {
		synctest.Test(t, func(t *testing.T) {
			s, client := play(answers(429, `{"title":"slow down"}`, "Retry-After", after))
			began := time.Now()
			resp, err := newTransport(t, "http://api.test", client).Do(t.Context(), get())
			require.NoError(t, err)
			assert.Equal(t, 429, resp.StatusCode)
			assert.Equal(t, `{"title":"slow down"}`, string(resp.Body))
			assert.Equal(t, after, resp.Header.Get("Retry-After"))
			assert.Len(t, s.at, attempts)
			if attempts == 1 {
				assert.Zero(t, time.Since(began))
			}
		})
	}
}

func TestRetryAfterIgnoredWhereItSaysNothing(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "0": 0, "-5": 0, "soon": 0, "1.5": 0, "+3": 0, "0x10": 0, " 7 ": 7 * time.Second,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0,
		"Fri Jan  2 03:05:05 2026": time.Minute, "Fri, 31 Dec 9999 23:59:59 GMT": maxRetryAfter,
	} {
		assert.Equal(t, want, RetryAfter(http.Header{"Retry-After": {v}}, now), "%q", v)
	}
	assert.Zero(t, RetryAfter(nil, now))
	assert.Zero(t, RetryAfter(http.Header{"Retry-After": {}}, now))
}

func TestTrapBackoffOutlivesDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := play(answers(429, `{"title":"slow down"}`, "Retry-After", "20"))
		tr := newTransport(t, "http://api.test", client)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		resp, err := tr.Do(ctx, get())
		require.NoError(t, err, "the answer was lost")
		assert.Equal(t, 429, resp.StatusCode)
		assert.Zero(t, time.Since(began), "slept to no avail")
		assert.Len(t, s.at, 1)
		assert.EqualValues(t, budgetSize, tr.budget.left.Load(), "nothing was sent for it")
	})
}

func TestContextEndDuringSleepKeepsTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("shutting down")
		_, client := play(answers(503, `{"title":"down"}`, "Retry-After", "20"))
		tr := newTransport(t, "http://api.test", client)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { cancel(reason) })
		began := time.Now()
		_, err := tr.Do(ctx, post("key"))
		f := failure(t, err)
		assert.Equal(t, 5*time.Second, time.Since(began))
		assert.Equal(t, Ended, f.Kind)
		assert.ErrorIs(t, err, context.Canceled)
		assert.ErrorIs(t, err, reason)
		require.NotNil(t, f.Last)
		assert.Equal(t, 503, f.Last.StatusCode)
		assert.Equal(t, 1, f.Last.Attempts)
		assert.JSONEq(t, `{"title":"down"}`, string(f.Last.Body))
		assert.True(t, f.Unsure)
		assert.EqualValues(t, budgetSize, tr.budget.left.Load(), "the retry paid for was never sent")
	})
}

func TestTrapGoodAnswerKeptWhenContextEnds(t *testing.T) {
	for _, status := range []int{200, 404, 503} {
		ctx, cancel := context.WithCancel(t.Context())
		_, client := play(func(r *http.Request) (*http.Response, error) {
			cancel()
			return answers(status, `{"id":"acc_1"}`)(r)
		})
		resp, err := newTransport(t, "http://api.test", client).Do(ctx, get())
		require.NoError(t, err)
		assert.Equal(t, status, resp.StatusCode)
		assert.JSONEq(t, `{"id":"acc_1"}`, string(resp.Body))
	}
}
