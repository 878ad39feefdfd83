package postpress_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// A process that shuts down leaves the attempt to another one, as it is.
func TestLinkDetach(t *testing.T) {
	for name, at := range map[string]time.Duration{
		"between refreshes": 10 * time.Second,
		"during a refresh":  50*time.Second + time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				before := d.start(postpress.LinkRequest{}, postpress.WithLinkKey("user"))
				v := d.view(before)
				d.until(at)
				require.NoError(t, before.Detach(context.Background()))
				<-v.done
				require.ErrorIs(t, v.last().err, postpress.ErrLinkDetached)
				assert.Zero(t, d.sent("DELETE", "/accounts/"))
				rec, posts := before.State(), d.posts()
				assert.False(t, rec.Ended)
				assert.ElementsMatch(t, d.accounts(), rec.Created)
				time.Sleep(time.Minute)
				assert.Equal(t, posts, d.posts(), "nothing more is sent")

				link, err := d.client.ResumeLink(context.Background(), rec, postpress.WithLinkKey("user"))
				require.NoError(t, err, "the key is free")
				synctest.Wait()
				require.NoError(t, d.srv.Scan(link.AccountID()))
				a, err := d.end(link)
				assertConnected(t, a, err)
				assert.Equal(t, []string{a.ID}, d.accounts())
			}, postpresstest.WithReissue(postpresstest.ReissueAlways))
		})
	}
}

func TestLinkDetachAfterTheEnd(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		require.NoError(t, d.srv.Scan(link.AccountID()))
		a, err := d.end(link)
		assertConnected(t, a, err)
		require.NoError(t, link.Detach(context.Background()))
		assert.True(t, link.State().Ended)
		a, err = link.Wait(context.Background())
		assertConnected(t, a, err)
	})
}
