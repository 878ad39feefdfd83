package linkhttp

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

func TestDoubleClickIsOneAttempt(t *testing.T) {
	h, e := newTestHandler(t, nil)
	e.startFn = func(context.Context, postpress.LinkRequest) error { time.Sleep(20 * time.Millisecond); return nil }
	var created atomic.Int32
	var ids sync.Map
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			a := call(t, h, "POST", "/links", "ada", `{"phone_number":"+33 6 12 34 56 78"}`)
			if a.code == http.StatusCreated {
				created.Add(1)
			} else {
				assert.Equal(t, http.StatusOK, a.code)
			}
			ids.Store(a.body["id"], true)
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, created.Load())
	n := 0
	ids.Range(func(any, any) bool { n++; return true })
	assert.Equal(t, 1, n)
	require.Len(t, e.begun, 1)
	assert.NotEmpty(t, e.begun[0].key, "the client is told as well")
	assert.EqualValues(t, "33612345678", e.begun[0].req.PhoneNumber)

	same := call(t, h, "POST", "/links", "ada", `{"phone_number":"33-612-345-678"}`)
	assert.Equal(t, http.StatusOK, same.code, "the same number, written otherwise")
	other := call(t, h, "POST", "/links", "ada", `{}`)
	assert.Equal(t, http.StatusCreated, other.code, "something else")
	foreign := call(t, h, "POST", "/links", "eve", `{"phone_number":"+33612345678"}`)
	assert.Equal(t, http.StatusCreated, foreign.code, "somebody else")
	assert.NotEqual(t, same.body["id"], foreign.body["id"])
}

// The request that started it may end, its browser may close: the account that the
// API creates must still be looked after.
func TestStartOutlivesItsRequest(t *testing.T) {
	h, e := newTestHandler(t, nil)
	started := make(chan struct{})
	e.startFn = func(ctx context.Context, _ postpress.LinkRequest) error {
		close(started)
		time.Sleep(50 * time.Millisecond)
		return ctx.Err()
	}
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-started; leave() }()
	a := call(t, h, "POST", "/links", "ada", `{}`, func(r *http.Request) { *r = *r.WithContext(ctx) })
	assert.Equal(t, http.StatusServiceUnavailable, a.code)
	e.links(1)
	a = call(t, h, "POST", "/links", "ada", `{}`)
	assert.Equal(t, http.StatusOK, a.code, "the click after the reload finds it")
	assert.Len(t, e.begun, 1)
}

// A start that has failed is not in the way of the next one, however soon that comes.
func TestStartAfterAFailure(t *testing.T) {
	h, e := newTestHandler(t, func(c *Config) { c.MaxStarts = 1000 })
	for range 300 {
		e.startFn = func(context.Context, postpress.LinkRequest) error { return postpress.ErrConnectionFailed }
		require.Equal(t, http.StatusBadGateway, call(t, h, "POST", "/links", "ada", `{}`).code)
		e.startFn = nil
		id := start(t, h, "ada", `{}`)
		require.Equal(t, http.StatusNoContent, call(t, h, "DELETE", "/links/"+id, "ada", "").code)
	}
}

func TestCancel(t *testing.T) {
	h, e := newTestHandler(t, nil)
	url := serve(t, h)
	id := start(t, h, "ada", `{}`)
	l := e.links(1)[0]
	l.show(testQR)
	v := watch(t, url, "ada", id, "")
	v.must(postpress.LinkShow)
	assert.Equal(t, http.StatusNoContent, call(t, h, "DELETE", "/links/"+id, "ada", "").code)
	assert.Equal(t, "canceled", v.skipTo(stateFailed).Code)
	assert.Equal(t, http.StatusNoContent, call(t, h, "DELETE", "/links/"+id, "ada", "").code, "twice is fine")
	_, cancels := l.counts()
	assert.Equal(t, 1, cancels)
	assert.NotEqual(t, id, start(t, h, "ada", `{}`), "the next one is new")
}

// Who clicks while the clean-up runs wants a new attempt, and not to wait for the old one.
func TestStartWhileTheOldOneIsBeingCancelled(t *testing.T) {
	h, e := newTestHandler(t, nil)
	id := start(t, h, "ada", `{}`)
	l := e.links(1)[0]
	l.show(testQR)
	v := watch(t, serve(t, h), "ada", id, "")
	v.must(postpress.LinkShow)
	l.slow = make(chan struct{})
	gone := make(chan answer)
	go func() { gone <- call(t, h, "DELETE", "/links/"+id, "ada", "") }()
	v.must(stateEnding)                              // other tabs see it at once
	go call(t, h, "DELETE", "/links/"+id, "ada", "") // impatience
	next := start(t, h, "ada", `{}`)
	assert.NotEqual(t, id, next)
	again := call(t, h, "POST", "/links", "ada", `{}`)
	assert.Equal(t, http.StatusOK, again.code)
	assert.Equal(t, next, again.body["id"])
	assert.NotEqual(t, e.begun[0].key, e.begun[1].key)
	l.is(postpress.LinkExpired) // nothing to show, which is no news
	time.Sleep(50 * time.Millisecond)
	close(l.slow)
	assert.Equal(t, http.StatusNoContent, (<-gone).code)
	assert.Equal(t, "canceled", v.must(stateFailed).Code)
	_, cancels := l.counts()
	assert.Equal(t, 1, cancels)
}

// The phone may be faster than the cancel: then it is linked, and that is told.
func TestCancelThatComesTooLate(t *testing.T) {
	h, e := newTestHandler(t, nil)
	id := start(t, h, "ada", `{}`)
	l := e.links(1)[0]
	v := watch(t, serve(t, h), "ada", id, "")
	l.slow = make(chan struct{})
	go func() { l.connect(); close(l.slow) }()
	assert.Equal(t, http.StatusNoContent, call(t, h, "DELETE", "/links/"+id, "ada", "").code)
	v.skipTo(postpress.LinkConnected)
}

func TestLimits(t *testing.T) {
	h, e := newTestHandler(t, func(c *Config) { c.MaxPerUser, c.MaxTotal = 2, 3 })
	number := func(n int) string { return fmt.Sprintf(`{"phone_number":"+3361234567%d"}`, n) }
	first := start(t, h, "ada", number(0))
	start(t, h, "ada", number(1))
	a := call(t, h, "POST", "/links", "ada", number(2))
	assert.Equal(t, http.StatusTooManyRequests, a.code)
	assert.Equal(t, "too_many", a.body["code"])
	assert.Equal(t, "30", a.Get("Retry-After"))
	assert.Equal(t, http.StatusOK, call(t, h, "POST", "/links", "ada", number(0)).code, "what there is can be had again")

	start(t, h, "bob", `{}`)
	a = call(t, h, "POST", "/links", "eve", `{}`)
	assert.Equal(t, http.StatusServiceUnavailable, a.code)
	assert.Equal(t, "busy", a.body["code"])
	assert.NotEmpty(t, a.Get("Retry-After"))
	assert.Len(t, e.begun, 3)

	call(t, h, "DELETE", "/links/"+first, "ada", "")
	start(t, h, "eve", `{}`)
}

func TestStartsPerTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, e := newTestHandler(t, func(c *Config) { c.MaxStarts = 3 })
		for range 3 {
			id := start(t, h, "ada", `{}`)
			call(t, h, "DELETE", "/links/"+id, "ada", "")
			time.Sleep(time.Minute)
		}
		a := call(t, h, "POST", "/links", "ada", `{}`)
		assert.Equal(t, http.StatusTooManyRequests, a.code, "starting and cancelling costs the API as much")
		wait, err := strconv.Atoi(a.Get("Retry-After"))
		require.NoError(t, err)
		assert.Equal(t, 7*60, wait)
		start(t, h, "bob", `{}`)
		time.Sleep(time.Duration(wait) * time.Second)
		start(t, h, "ada", `{}`)
		assert.Len(t, e.begun, 5)
		require.NoError(t, h.Shutdown(t.Context()))
	})
}

func TestForgottenUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRegistry(Config{}.withDefaults())
		for i := range maxUsers + 1 {
			g.starts[strconv.Itoa(i)] = []time.Time{time.Now()}
		}
		time.Sleep(startWindow)
		_, _, p := g.claim("slot", "ada")
		require.Nil(t, p)
		assert.Len(t, g.starts, 1)
	})
}

func TestRequestDecidesWhatIsLinked(t *testing.T) {
	h, e := newTestHandler(t, func(c *Config) {
		c.Request = func(_ *http.Request, user string, in Start) (postpress.LinkRequest, error) {
			if in.AccountID != "acc_of_"+user {
				return postpress.LinkRequest{}, &Problem{Status: 403, Code: "forbidden", Message: "This is not yours."}
			}
			return postpress.LinkRequest{AccountID: in.AccountID, ExpectPhoneNumber: "33612345678", Country: "FR"}, nil
		}
	})
	assert.Equal(t, "This is not yours.", call(t, h, "POST", "/links", "eve", `{"account_id":"acc_of_ada"}`).body["message"])
	start(t, h, "ada", `{"account_id":"acc_of_ada"}`)
	assert.Equal(t, postpress.LinkRequest{AccountID: "acc_of_ada", ExpectPhoneNumber: "33612345678", Country: "FR"}, e.begun[0].req)
}

func TestIdleAttemptsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, e := newTestHandler(t, nil)
		id := start(t, h, "ada", `{}`)
		l := e.links(1)[0]
		l.show(testQR)
		ctx, leave := context.WithCancel(t.Context())
		watched := make(chan struct{})
		go func() {
			call(t, h, "GET", "/links/"+id+"/events", "ada", "", func(r *http.Request) { *r = *r.WithContext(ctx) })
			close(watched)
		}()
		time.Sleep(time.Hour)
		_, cancels := l.counts()
		assert.Zero(t, cancels, "it is watched")
		leave()
		<-watched
		time.Sleep(2*time.Minute + 50*time.Second)
		_, cancels = l.counts()
		assert.Zero(t, cancels, "its viewer may come back")
		l.is(postpress.LinkConnecting)
		time.Sleep(10 * time.Minute)
		_, cancels = l.counts()
		assert.Zero(t, cancels, "the phone has answered")
		l.is(postpress.LinkExpired)
		time.Sleep(10 * time.Second)
		_, cancels = l.counts()
		assert.Equal(t, 1, cancels)
		assert.Contains(t, lastEvent(t, h, id, "ada"), `"code":"idle"`)
		require.NoError(t, h.Shutdown(t.Context()))
	})
}

func TestOnConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		h, e := newTestHandler(t, func(c *Config) {
			c.OnConnected = func(ctx context.Context, user string, a *postpress.Account) error {
				assert.Equal(t, "ada", user)
				assert.Equal(t, "acc_1", a.ID)
				if calls.Add(1) < 3 {
					return context.DeadlineExceeded
				}
				return ctx.Err()
			}
		})
		id := start(t, h, "ada", `{}`)
		e.links(1)[0].connect()
		synctest.Wait()
		assert.EqualValues(t, 1, calls.Load())
		time.Sleep(time.Minute)
		assert.EqualValues(t, 3, calls.Load(), "tried again, until it is saved")
		assert.Contains(t, lastEvent(t, h, id, "ada"), `"state":"connected"`)
		require.NoError(t, h.Shutdown(t.Context()))
	})
}

func TestNothingIsLeftInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, e := newTestHandler(t, func(c *Config) { c.MaxTotal, c.MaxPerUser, c.MaxStarts = 100, 100, 1000 })
		for i := range 50 {
			start(t, h, fmt.Sprint("user", i), `{}`)
		}
		for _, l := range e.links(50) {
			l.connect()
		}
		synctest.Wait()
		assert.Empty(t, h.attempts.live)
		assert.Empty(t, h.attempts.byUser)
		assert.Zero(t, h.attempts.own)
		store := h.store.(*MemoryStore)
		assert.Len(t, store.values, 50, "for a reload")
		time.Sleep(keepOutcome)
		start(t, h, "ada", `{}`)
		assert.Len(t, store.values, 1)
		require.NoError(t, h.Shutdown(t.Context()))
	})
}
