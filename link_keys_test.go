package postpress_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// startMany starts n attempts with one key at the same instant.
func (d *desk) startMany(n int, ctx func(i int) context.Context) ([]*postpress.Link, []error) {
	links, errs := make([]*postpress.Link, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			links[i], errs[i] = d.client.LinkWhatsApp(ctx(i), postpress.LinkRequest{}, postpress.WithLinkKey("user-1"))
		})
	}
	all.Wait()
	return links, errs
}

func TestLinkKeyOfTwentyStarts(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.srv.Inject(postpresstest.Fault{Method: "POST", Latency: time.Second})
		links, errs := d.startMany(20, func(int) context.Context { return context.Background() })
		for i, link := range links {
			require.NoError(t, errs[i])
			assert.Equal(t, links[0].AccountID(), link.AccountID())
		}
		assert.Equal(t, 1, d.posts())
		assert.Len(t, d.accounts(), 1)

		other := d.start(postpress.LinkRequest{}, postpress.WithLinkKey("user-2"))
		assert.NotEqual(t, links[0].AccountID(), other.AccountID())
		require.NoError(t, other.Cancel(d.t.Context()))
		select {
		case <-links[0].Done():
			t.Fatal("the wrong one was cancelled")
		default:
		}
		require.NoError(t, links[0].Cancel(d.t.Context()))
	})
}

// leaving makes the caller of the first start leave when it has been carried
// out and before it is answered, once may is closed.
func (d *desk) leaving(may <-chan struct{}) (first context.Context) {
	first, leave := context.WithCancel(context.Background())
	var starts atomic.Int32
	d.through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if r.Method != http.MethodPost || starts.Add(1) > 1 {
			return resp, err
		}
		_, err = buffered(resp)
		require.NoError(d.t, err)
		<-may
		leave()
		return nil, r.Context().Err()
	})
	return first
}

// That one caller goes away is no concern of the others, and makes no second account.
func TestLinkKeyWhenTheFirstCallerLeaves(t *testing.T) {
	atDesk(t, func(d *desk) {
		may := make(chan struct{})
		first := d.leaving(may)
		var all sync.WaitGroup
		all.Go(func() {
			_, err := d.client.LinkWhatsApp(first, postpress.LinkRequest{}, postpress.WithLinkKey("user-1"))
			assert.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		all.Go(func() {
			links, errs := d.startMany(20, func(int) context.Context { return context.Background() })
			for i := range links {
				require.NoError(t, errs[i])
				assert.Same(t, links[0], links[i])
			}
			assert.NoError(t, links[0].Cancel(context.Background()))
		})
		synctest.Wait()
		close(may)
		all.Wait()
		assert.Equal(t, 2, d.sent("POST", "/accounts"))
		assert.Empty(t, d.accounts(), "the same idempotency key: there was one account")
	})
}

// Nor does a second start that comes a little later, when a page is loaded again.
func TestLinkKeyWhenTheOnlyCallerLeaves(t *testing.T) {
	atDesk(t, func(d *desk) {
		may := make(chan struct{})
		close(may)
		_, err := d.client.LinkWhatsApp(d.leaving(may), postpress.LinkRequest{}, postpress.WithLinkKey("k"))
		require.ErrorIs(t, err, context.Canceled)
		d.until(10 * time.Second)
		link := d.start(postpress.LinkRequest{}, postpress.WithLinkKey("k"))
		assert.Equal(t, []string{link.AccountID()}, d.accounts())
		require.NoError(t, link.Cancel(d.t.Context()))
	})
}

// A key whose start has failed is bound to no request.
func TestLinkKeyIsFreeForAnotherRequest(t *testing.T) {
	atDesk(t, func(d *desk) {
		may := make(chan struct{})
		close(may)
		_, err := d.client.LinkWhatsApp(d.leaving(may), postpress.LinkRequest{}, postpress.WithLinkKey("k"))
		require.ErrorIs(t, err, context.Canceled)
		link := d.start(postpress.LinkRequest{PhoneNumber: linkPhone}, postpress.WithLinkKey("k"))
		d.until(time.Minute)
		again := d.start(postpress.LinkRequest{PhoneNumber: linkPhone}, postpress.WithLinkKey("k"))
		assert.Same(t, link, again)
		require.NoError(t, link.Cancel(d.t.Context()))
	})
}

// An error of the API is that of all who have waited for it.
func TestLinkKeyWhenTheStartFails(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.srv.Inject(postpresstest.Fault{Method: "POST", Status: 401, Latency: time.Second})
		links, errs := d.startMany(20, func(int) context.Context { return context.Background() })
		for i := range links {
			assert.Nil(t, links[i])
			assert.ErrorIs(t, errs[i], postpress.ErrUnauthorized)
		}
		assert.Equal(t, 1, d.posts())
		link := d.start(postpress.LinkRequest{}, postpress.WithLinkKey("user-1"))
		require.NoError(t, link.Cancel(d.t.Context()), "the key is free")
	})
}

// Whoever waits for another's start can leave.
func TestLinkKeyWhenAWaiterLeaves(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.srv.Inject(postpresstest.Fault{Method: "POST", Latency: 10 * time.Second})
		short, cancel := context.WithTimeout(d.t.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			link, err := d.client.LinkWhatsApp(context.Background(), postpress.LinkRequest{}, postpress.WithLinkKey("k"))
			assert.NoError(t, err)
			assert.NoError(t, link.Cancel(context.Background()))
		})
		synctest.Wait()
		_, err := d.client.LinkWhatsApp(short, postpress.LinkRequest{}, postpress.WithLinkKey("k"))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, d.now())
		all.Wait()
	})
}

func TestLinkKeyOfAnotherRequest(t *testing.T) {
	atDesk(t, func(d *desk) {
		proxy := func() *postpress.Proxy { return &postpress.Proxy{Protocol: "http", Host: "h", Port: 1} }
		link := d.start(postpress.LinkRequest{PhoneNumber: "+33 612345678", Proxy: proxy()}, postpress.WithLinkKey("k"))
		again := d.start(postpress.LinkRequest{PhoneNumber: "33 6 12 34 56 78", Proxy: proxy()}, postpress.WithLinkKey("k"))
		assert.Equal(t, link.AccountID(), again.AccountID(), "the same, written otherwise")
		for _, other := range []postpress.LinkRequest{
			{}, {PhoneNumber: linkPhone}, {PhoneNumber: "33612345679", Proxy: proxy()}, {PhoneNumber: linkPhone, Proxy: proxy(), Country: "FR"},
		} {
			_, err := d.client.LinkWhatsApp(d.t.Context(), other, postpress.WithLinkKey("k"))
			var bad *postpress.ArgumentError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, "WithLinkKey", bad.Field)
		}
		assert.Equal(t, 1, d.posts())
		require.NoError(t, link.Cancel(d.t.Context()))
	})
}

// The key is free when the attempt has ended, and not before: a start that comes
// while the attempt is being cancelled begins a new one.
func TestLinkKeyAfterTheEnd(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{}, postpress.WithLinkKey("k"))
		require.NoError(t, d.srv.Scan(link.AccountID()))
		<-link.Done()
		second := d.start(postpress.LinkRequest{}, postpress.WithLinkKey("k"))
		assert.NotEqual(t, link.AccountID(), second.AccountID())

		go func() { _ = second.Cancel(context.Background()) }()
		synctest.Wait()
		third := d.start(postpress.LinkRequest{}, postpress.WithLinkKey("k"))
		assert.NotEqual(t, second.AccountID(), third.AccountID())
		assert.True(t, second.State().Ended)
		require.NoError(t, third.Cancel(d.t.Context()))
	})
}

// A process that does not know how far another one has come repeats the start.
func TestLinkStartKey(t *testing.T) {
	atDesk(t, func(d *desk) {
		lost := d.start(postpress.LinkRequest{}, postpress.WithLinkStartKey("stored before"))
		require.NoError(t, lost.Detach(context.Background()))
		link := d.start(postpress.LinkRequest{}, postpress.WithLinkStartKey("stored before"))
		assert.Equal(t, lost.AccountID(), link.AccountID())
		assert.Len(t, d.accounts(), 1)
		require.NoError(t, link.Cancel(context.Background()))
		for _, bad := range []string{"", " ", "a\n", strings.Repeat("x", 256)} {
			_, err := d.client.LinkWhatsApp(context.Background(), postpress.LinkRequest{}, postpress.WithLinkStartKey(bad))
			var wrong *postpress.ArgumentError
			require.ErrorAs(t, err, &wrong)
			assert.Equal(t, "WithLinkStartKey", wrong.Field)
		}
	})
}
