package postpress_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func TestLinkStepsForALateViewer(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		d.until(60 * time.Second)
		late := d.view(link)
		d.until(61 * time.Second)
		assert.Equal(t, "1m0s show", late.states(), "the current step, at once")
		require.NoError(t, d.srv.Scan(link.AccountID()))
		<-late.done
		after := d.view(link)
		<-after.done
		assert.Equal(t, "1m1s connected", after.states(), "the outcome, also after the end")
		again := d.view(link)
		<-again.done
		assert.Equal(t, after.states(), again.states())
	}, postpresstest.WithReissue(postpresstest.ReissueAlways))
}

// A viewer that takes its time holds nobody up, and sees the latest next.
func TestLinkStepsForASlowViewer(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		var slow []int
		done := make(chan struct{})
		go func() {
			defer close(done)
			for step := range link.Steps(context.Background()) {
				slow = append(slow, step.Seq)
				time.Sleep(4 * time.Minute)
			}
		}()
		quick := d.view(link)
		d.until(5 * time.Minute)
		assert.Equal(t, 6, quick.last().step.Seq)
		require.NoError(t, d.srv.Scan(link.AccountID()))
		<-done
		assert.Equal(t, []int{1, 5, 7}, slow)
	}, postpresstest.WithReissue(postpresstest.ReissueAlways))
}

func TestLinkStepsEndWithTheContext(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		ctx, cancel := context.WithTimeout(d.t.Context(), 30*time.Second)
		defer cancel()
		var all []seen
		for step, err := range link.Steps(ctx) {
			all = append(all, seen{d.now(), step, err})
		}
		require.Len(t, all, 2)
		assert.Equal(t, postpress.LinkStep{Seq: 1}, all[1].step)
		assert.ErrorIs(t, all[1].err, context.DeadlineExceeded)
		var le *postpress.LinkError
		assert.False(t, errors.As(all[1].err, &le), "not the outcome")
		assert.Equal(t, 30*time.Second, all[1].at)

		_, err := link.Wait(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		select {
		case <-link.Done():
			t.Fatal("a viewer that leaves has ended it")
		default:
		}
		for range link.Steps(d.t.Context()) {
			break // this one leaves as well
		}
		require.NoError(t, d.srv.Scan(link.AccountID()))
		<-link.Done()
		for step, err := range link.Steps(ctx) {
			assert.Equal(t, postpress.LinkConnected, step.State, "the outcome comes first")
			assert.NoError(t, err)
		}
		_, err = link.Wait(ctx)
		assert.NoError(t, err)
	})
}

func TestLinkStepsOfAnError(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		v := d.view(link)
		d.until(time.Second)
		require.NoError(t, link.Cancel(d.t.Context()))
		<-v.done
		last := v.last()
		assert.ErrorIs(t, last.err, postpress.ErrLinkCanceled)
		assert.Equal(t, postpress.LinkStep{Seq: 3}, last.step)
	})
}

// What one viewer does with a step, another does not see.
func TestLinkStepsAreOnesOwn(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		for step := range link.Steps(d.t.Context()) {
			step.Checkpoint.QRCode = "spoilt"
			break
		}
		for step := range link.Steps(d.t.Context()) {
			assert.NotEqual(t, postpress.Secret("spoilt"), step.Checkpoint.QRCode)
			break
		}
		require.NoError(t, d.srv.Scan(link.AccountID()))
		a, err := d.end(link)
		require.NoError(t, err)
		a.ID = "spoilt"
		a, err = d.end(link)
		require.NoError(t, err)
		assert.NotEqual(t, "spoilt", a.ID)
	})
}

func TestLinkWithManyViewers(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 3 * time.Second)
				last := 0
				for step, err := range link.Steps(context.Background()) {
					assert.NoError(t, err)
					assert.Greater(t, step.Seq, last)
					last = step.Seq
					if step.State == postpress.LinkConnected {
						return
					}
				}
				t.Error("no outcome")
			})
			all.Go(func() {
				_, err := link.Wait(context.Background())
				assert.NoError(t, err)
			})
		}
		d.until(2 * time.Minute)
		require.NoError(t, d.srv.Scan(link.AccountID()))
		all.Wait()
		gets := d.sent("GET", "/accounts/")
		assert.LessOrEqual(t, gets, 10, "viewers cost no requests")
	})
}

func TestLinkPrintsItsAccount(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{PhoneNumber: linkPhone})
		assert.Equal(t, "Link{AccountID:"+link.AccountID()+" State:show}", fmt.Sprintf("%+v", link))
		assert.Equal(t, "Link{}", fmt.Sprint(postpress.Link{}))
		synctest.Wait()
		require.NoError(t, link.Cancel(d.t.Context()))
	})
}
