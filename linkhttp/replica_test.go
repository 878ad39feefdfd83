package linkhttp

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

func TestAnyReplicaServes(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	id := start(t, r[0].h, "ada", `{}`)
	l := r[0].e.links(1)[0]
	l.show(testQR)
	v := watch(t, r[1].url, "ada", id, "")
	s := v.must(postpress.LinkShow)
	assert.Equal(t, "1", s.ID)
	assert.Contains(t, s.QRSVG, "<svg")
	assert.Equal(t, http.StatusNotFound, call(t, r[1].h, "GET", "/links/"+id+"/events", "eve", "").code)

	time.Sleep(3 * testLease)
	assert.Empty(t, r[1].e.begun, "the owner lives: nobody takes over")
	require.Equal(t, http.StatusNoContent, call(t, r[1].h, "POST", "/links/"+id+"/refresh", "ada", "").code)
	assert.Equal(t, "2", v.must(postpress.LinkShow).ID, "the owner was asked")
	refreshes, _ := l.counts()
	assert.Equal(t, 1, refreshes, "once")

	l.is(postpress.LinkConnecting)
	v.must(postpress.LinkConnecting)
	l.connect()
	v.must(postpress.LinkConnected)
	v.ended()
	late := watch(t, r[1].url, "ada", id, "")
	late.must(postpress.LinkConnected)
	late.ended()
}

func TestCancelOnAnotherReplica(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	id := start(t, r[0].h, "ada", `{}`)
	l := r[0].e.links(1)[0]
	v := watch(t, r[0].url, "ada", id, "")
	assert.Equal(t, http.StatusNoContent, call(t, r[1].h, "DELETE", "/links/"+id, "ada", "").code)
	assert.Equal(t, "canceled", v.skipTo(stateFailed).Code)
	_, cancels := l.counts()
	assert.Equal(t, 1, cancels)
	assert.NotEqual(t, id, start(t, r[1].h, "ada", `{}`), "and the next is new")
}

// Here, too, the next start does not wait for the clean-up.
// An outcome that is still being saved is over all the same.
// What this replica has run, and could not save the end of, is not somebody else's.
// The failure of a start is told to who has clicked elsewhere.
func TestOwnerDies(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	id := start(t, r[0].h, "ada", `{"phone_number":"+33612345678"}`)
	l := r[0].e.links(1)[0]
	l.show(testQR)
	l.show(testQR + "second")
	watch(t, r[0].url, "ada", id, "1").must(postpress.LinkShow)
	r[0].die()
	began := time.Now()
	v := watch(t, r[1].url, "ada", id, "")
	assert.Equal(t, "2", v.must(postpress.LinkShow).ID, "at once: the code works, whoever waits for the phone")
	resumed := r[1].e.links(1)[0]
	assert.GreaterOrEqual(t, time.Since(began), testLease, "not before the lease is over")
	assert.EqualValues(t, "33612345678", resumed.req.PhoneNumber, "which a LinkRecord does not keep")
	assert.Equal(t, "acc_1", r[1].e.resumed[0].AccountID)
	assert.Equal(t, 2, r[1].e.resumed[0].Seq)
	resumed.connect()
	assert.Equal(t, "3", v.must(postpress.LinkConnected).ID)
	_, cancels := l.counts()
	assert.Zero(t, cancels)
	assert.Empty(t, r[1].e.links(1)[1:])
}

// Who has been told of an attempt keeps it: a second account would be a ghost.
func TestOwnerDiesRightAfterTheStart(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	id := start(t, r[0].h, "ada", `{}`)
	r[0].die()
	v := watch(t, r[1].url, "ada", id, "")
	r[1].e.links(1)[0].connect()
	v.must(postpress.LinkConnected)
	assert.Len(t, r[1].e.resumed, 1)
}

// What has ended cannot be resumed, and that it has must not be lost: whoever goes on
// from before the end finds it again.
func TestOwnerDiesBeforeTheOutcomeIsKnown(t *testing.T) {
	t.Parallel()
	saving := make(chan struct{})
	r := newReplicas(t, 2, nil)
	t.Cleanup(func() { close(saving) })
	r[0].h.cfg.OnConnected = func(context.Context, string, *postpress.Account) error { <-saving; return nil }
	id := start(t, r[0].h, "ada", `{}`)
	r[0].e.links(1)[0].connect()
	time.Sleep(testLease) // it is saved meanwhile
	r[0].die()
	v := watch(t, r[1].url, "ada", id, "")
	r[1].e.links(1)[0].connect()
	v.must(postpress.LinkConnected)
	assert.False(t, r[1].e.resumed[0].Ended)
}

// Between the reservation and the answer of the API.
func TestOwnerDiesBeforeTheStart(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	begun := make(chan struct{})
	r[0].e.startFn = func(ctx context.Context, _ postpress.LinkRequest) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}
	go call(t, r[0].h, "POST", "/links", "ada", `{}`)
	<-begun
	r[0].store.down.Store(true) // a process that has died saves no failure
	r[0].die()
	id := start(t, r[1].h, "ada", `{}`)
	r[1].e.links(1)[0].show(testQR)
	watch(t, r[1].url, "ada", id, "").must(postpress.LinkShow)
}

func TestCancelAfterTheOwnerDied(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	id := start(t, r[0].h, "ada", `{}`)
	r[0].die()
	assert.Equal(t, http.StatusNoContent, call(t, r[1].h, "DELETE", "/links/"+id, "ada", "").code)
	_, cancels := r[1].e.links(1)[0].counts()
	assert.Equal(t, 1, cancels, "its account is cleaned up")
}

// What was asked for while the store was away is not forgotten over taking over.
func TestCancelWhileTakingOver(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	id := start(t, r[0].h, "ada", `{}`)
	r[0].e.links(1)[0].show(testQR)
	v := watch(t, r[1].url, "ada", id, "")
	v.must(postpress.LinkShow)
	r[1].store.down.Store(true)
	require.NoError(t, r[0].h.Shutdown(t.Context()))
	ended := make(chan answer)
	go func() { ended <- call(t, r[1].h, "DELETE", "/links/"+id, "ada", "") }()
	time.Sleep(testLease / 4)
	r[1].store.down.Store(false)
	assert.Equal(t, http.StatusNoContent, (<-ended).code)
	assert.Equal(t, "canceled", v.skipTo(stateFailed).Code)
}

func TestShutdownHandsOverAtOnce(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, func(c *Config) { c.LeaseTime = time.Minute })
	id := start(t, r[0].h, "ada", `{}`)
	l := r[0].e.links(1)[0]
	l.show(testQR)
	v := watch(t, r[0].url, "ada", id, "")
	v.must(postpress.LinkShow)
	began := time.Now()
	require.NoError(t, r[0].h.Shutdown(t.Context()))
	assert.Less(t, time.Since(began), 10*time.Second, "viewers are not waited for")
	v.ended()
	_, cancels := l.counts()
	assert.Zero(t, cancels)
	assert.True(t, l.detached, "the link of the old one does nothing more")
	back := watch(t, r[1].url, "ada", id, "1")
	r[1].e.links(1)[0].connect()
	back.must(postpress.LinkConnected)
}

// A process that was stopped for a while finds its attempt in other hands.
func TestOwnerComesBackTooLate(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	id := start(t, r[0].h, "ada", `{}`)
	l := r[0].e.links(1)[0]
	l.show(testQR)
	old := watch(t, r[0].url, "ada", id, "")
	old.must(postpress.LinkShow)
	r[0].store.down.Store(true) // to the others, it is silent
	v := watch(t, r[1].url, "ada", id, "")
	v.must(postpress.LinkShow)
	taken := r[1].e.links(1)[0]
	r[0].store.down.Store(false)
	require.Eventually(t, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.detached }, 5*time.Second, time.Millisecond)
	_, cancels := l.counts()
	assert.Zero(t, cancels, "the account is the other's now")
	taken.connect()
	v.must(postpress.LinkConnected)
	old.must(postpress.LinkConnected)
}

func TestStoreDownTakesNothingAway(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	id := start(t, r[0].h, "ada", `{}`)
	l := r[0].e.links(1)[0]
	v := watch(t, r[0].url, "ada", id, "")
	for i := range r {
		r[i].store.down.Store(true)
	}
	assert.Equal(t, http.StatusServiceUnavailable, call(t, r[1].h, "DELETE", "/links/"+id, "ada", "").code)
	l.show(testQR)
	v.must(postpress.LinkShow)
	time.Sleep(2 * testLease)
	l.connect()
	v.must(postpress.LinkConnected)
	_, detached := l.counts()
	assert.Zero(t, detached)
	assert.False(t, l.detached)

	start(t, r[0].h, "bob", `{}`) // new ones can be started, too
}

// A follower that could not look for a while does not know whether the owner lives.
func TestStoreDownForTheFollower(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	id := start(t, r[0].h, "ada", `{}`)
	r[0].e.links(1)[0].show(testQR)
	v := watch(t, r[1].url, "ada", id, "")
	v.must(postpress.LinkShow)
	r[0].store.down.Store(true)
	r[1].store.down.Store(true)
	time.Sleep(3 * testLease)
	r[1].store.down.Store(false)
	time.Sleep(testLease / 4)
	r[0].store.down.Store(false)
	time.Sleep(2 * testLease)
	assert.Empty(t, r[1].e.begun)
}

func TestViewersElsewhereCount(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, func(c *Config) { c.IdleTimeout = 3 * testLease })
	id := start(t, r[0].h, "ada", `{}`)
	l := r[0].e.links(1)[0]
	v := watch(t, r[1].url, "ada", id, "")
	time.Sleep(6 * testLease)
	_, cancels := l.counts()
	assert.Zero(t, cancels)
	v.cancel()
	require.Eventually(t, func() bool { _, n := l.counts(); return n == 1 }, 10*time.Second, 10*time.Millisecond)
}

func TestFollowerGoesWhenNobodyLooks(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	id := start(t, r[0].h, "ada", `{}`)
	v := watch(t, r[1].url, "ada", id, "")
	r[0].e.links(1)[0].show(testQR)
	v.must(postpress.LinkShow)
	v.cancel()
	require.Eventually(t, func() bool {
		r[1].h.attempts.mu.Lock()
		defer r[1].h.attempts.mu.Unlock()
		return len(r[1].h.attempts.live) == 0
	}, 10*time.Second, 10*time.Millisecond)
	loads := r[1].store.loads.Load()
	time.Sleep(testLease)
	assert.Equal(t, loads, r[1].store.loads.Load(), "the store is left alone")
}

// A store that has lost its memory is repaired by the owner, and a follower waits for that.
func TestStoreForgets(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	id := start(t, r[0].h, "ada", `{}`)
	r[0].e.links(1)[0].show(testQR)
	r[0].store.mu.Lock()
	clear(r[0].store.values)
	r[0].store.mu.Unlock()
	require.Eventually(t, func() bool {
		return call(t, r[1].h, "POST", "/links/"+id+"/refresh", "ada", "").code == http.StatusNoContent
	}, 5*time.Second, 10*time.Millisecond)
}
