package postpress_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func TestLinkRefreshOnDemand(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		v := d.view(link)
		d.until(5 * time.Second)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { assert.NoError(t, link.Refresh(context.Background())) })
		}
		all.Wait()
		synctest.Wait()
		assert.Equal(t, 2, d.posts(), "several at once are one")
		assert.Equal(t, "0s show, 7s show", v.states())

		ctx, cancel := context.WithTimeout(d.t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, link.Refresh(ctx), context.DeadlineExceeded)
		d.until(15 * time.Second)
		assert.Equal(t, 3, d.posts(), "it is made all the same")
		assert.Equal(t, 2, link.State().Asked)
		assert.Zero(t, link.State().Refreshes)

		require.NoError(t, d.srv.Scan(link.AccountID()))
		assert.ErrorIs(t, link.Refresh(d.t.Context()), postpress.ErrAlreadyConnected)
	}, postpresstest.WithReissue(postpresstest.ReissueAlways))
}

func TestLinkRefreshOnDemandIsBounded(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		for range 20 {
			require.NoError(t, link.Refresh(d.t.Context()))
		}
		assert.ErrorIs(t, link.Refresh(d.t.Context()), postpress.ErrRateLimited)
		assert.Equal(t, 21, d.posts())
		require.NoError(t, link.Cancel(d.t.Context()))
		assert.ErrorIs(t, link.Refresh(d.t.Context()), postpress.ErrLinkCanceled)
	}, postpresstest.WithReissue(postpresstest.ReissueAlways))
}

func TestLinkRefreshOnDemandTooEarly(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		assert.ErrorIs(t, link.Refresh(d.t.Context()), postpress.ErrAuthInProgress)
		v := d.view(link)
		d.until(30 * time.Second)
		assert.Equal(t, "2s show", v.states(), "what is shown stays")
		require.NoError(t, link.Cancel(d.t.Context()))
	})
}
