package transport

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
)

func TestBudgetKeepsAnOutageShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			sent.Add(1)
			return answers(503, "")(r)
		})}
		tr := newTransport(t, "http://api.test", client)
		together(1000, func(int) {
			resp, err := tr.Do(t.Context(), get())
			if assert.NoError(t, err) {
				assert.Equal(t, 503, resp.StatusCode)
			}
		})
		assert.EqualValues(t, 1000+budgetSize/retryCost, sent.Load())
		assert.LessOrEqual(t, sent.Load(), int64(1100))
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What a call of two outcomes leaves in a bucket of 50.
func TestBudgetCosts(t *testing.T) {
	for name, c := range map[string]struct {
		steps []step
		want  int64
	}{
		"success at the first try":       {[]step{answers(200, "{}")}, 50 + firstTryReward},
		"no retry":                       {[]step{answers(404, "")}, 50},
		"retry that succeeded":           {[]step{answers(503, ""), answers(200, "{}")}, 50},
		"retries that succeeded":         {[]step{answers(504, ""), fails(errDial), answers(200, "{}")}, 50},
		"retries that failed":            {[]step{answers(503, "")}, 50 - 2*retryCost},
		"retry after throttling":         {[]step{answers(429, ""), answers(400, "")}, 50 - retryCost},
		"retry after a time-out":         {[]step{hangs, answers(400, "")}, 50 - timeoutCost},
		"retry after a 504":              {[]step{answers(504, ""), answers(400, "")}, 50 - timeoutCost},
		"retry after a 408":              {[]step{answers(408, ""), answers(400, "")}, 50 - timeoutCost},
		"retry after no connection":      {[]step{fails(errDial), answers(400, "")}, 50 - retryCost},
		"retry after a lost connection":  {[]step{fails(errReset), answers(400, "")}, 50 - retryCost},
		"retry of a 502":                 {[]step{answers(502, ""), answers(400, "")}, 50 - retryCost},
		"retry of a 500":                 {[]step{answers(500, problem("provider_error")), answers(400, "")}, 50 - retryCost},
		"retry of a 503 without handler": {[]step{answers(503, problem("no_handler")), answers(400, "")}, 50 - retryCost},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, client := play(c.steps...)
			tr := newTransport(t, "http://api.test", client)
			tr.budget.left.Store(50)
			_, _ = tr.Do(t.Context(), get())
			assert.Equal(t, c.want, tr.budget.left.Load(), name)
		})
	}
}

func TestEmptyBudgetStopsRetriesAndSuccessRefillsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := play(answers(503, ""), answers(200, "{}"))
		tr := newTransport(t, "http://api.test", client)
		tr.budget.left.Store(retryCost - 1)
		resp, err := tr.Do(t.Context(), get())
		assert.NoError(t, err)
		assert.Equal(t, 503, resp.StatusCode)
		assert.Len(t, s.at, 1)
		assert.EqualValues(t, retryCost-1, tr.budget.left.Load())

		_, err = tr.Do(t.Context(), get())
		assert.NoError(t, err)
		assert.EqualValues(t, retryCost, tr.budget.left.Load())
		s.steps, s.at = []step{answers(503, ""), answers(200, "{}")}, nil
		resp, err = tr.Do(t.Context(), get())
		assert.NoError(t, err)
		assert.Equal(t, 200, resp.StatusCode)
		assert.Equal(t, 2, resp.Attempts)
	})
}

func TestBudgetFloorAndCeiling(t *testing.T) {
	b := newBudget()
	b.give(1000)
	assert.EqualValues(t, budgetSize, b.left.Load())
	assert.False(t, b.take(budgetSize+1))
	assert.True(t, b.take(budgetSize))
	assert.False(t, b.take(1))
	assert.Zero(t, b.left.Load())
}

// However many ask at once, nothing is given away twice and nothing gets lost.
func TestBudgetConcurrently(t *testing.T) {
	const callers, each = 4, 50_000
	b := newBudget()
	b.left.Store(callers * each)
	var taken atomic.Int64
	together(callers, func(int) {
		for b.take(1) {
			taken.Add(1)
		}
	})
	assert.EqualValues(t, callers*each, taken.Load())

	b.left.Store(-callers * each)
	together(callers, func(int) {
		for range each {
			b.give(1)
		}
	})
	assert.Zero(t, b.left.Load())
}
