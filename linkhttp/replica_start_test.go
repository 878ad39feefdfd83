package linkhttp

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

func TestStartWhileAnotherReplicaCancels(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 3, nil)
	id := start(t, r[0].h, "ada", `{}`)
	l := r[0].e.links(1)[0]
	l.slow = make(chan struct{})
	v := watch(t, r[1].url, "ada", id, "")
	go call(t, r[1].h, "DELETE", "/links/"+id, "ada", "")
	v.must(stateEnding)
	r[2].store.slow.Store(true)
	next := start(t, r[2].h, "ada", `{}`) // which has not heard of the first
	assert.NotEqual(t, id, next)
	assert.Equal(t, next, start(t, r[1].h, "ada", `{}`), "201 for this replica, which follows both")
	assert.Len(t, r[2].e.links(1), 1)
	assert.Empty(t, r[1].e.begun)
	close(l.slow)
	v.must(stateFailed)
}

func TestStartWhileTheOutcomeIsSaved(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 1, nil)[0]
	id := start(t, r.h, "ada", `{}`)
	v := watch(t, r.url, "ada", id, "")
	r.store.slow.Store(true)
	r.e.links(1)[0].connect()
	v.must(postpress.LinkConnected)
	assert.NotEqual(t, id, start(t, r.h, "ada", `{}`))
}

func TestNextAttemptOnAnotherReplica(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	id := start(t, r[0].h, "ada", `{}`)
	r[0].e.links(1)[0].connect()
	late := watch(t, r[1].url, "ada", id, "")
	late.must(postpress.LinkConnected)
	late.ended()
	assert.NotEqual(t, id, start(t, r[1].h, "ada", `{}`))
	assert.Len(t, r[1].e.begun, 1)
}

func TestOutcomeThatWasNotSaved(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 1, nil)[0]
	id := start(t, r.h, "ada", `{}`)
	v := watch(t, r.url, "ada", id, "")
	r.store.down.Store(true)
	r.e.links(1)[0].connect()
	v.must(postpress.LinkConnected)
	v.ended()
	r.store.down.Store(false)
	assert.NotEqual(t, id, start(t, r.h, "ada", `{}`))
	assert.Len(t, r.e.begun, 2)
	assert.Empty(t, r.e.resumed)
}

func TestDoubleClickOnTwoReplicas(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	for i := range r {
		r[i].store.slow.Store(true) // both have seen that there is nothing before one writes
	}
	ids := make(chan string, 2)
	for i := range r {
		go func() { ids <- call(t, r[i].h, "POST", "/links", "ada", `{}`).body["id"] }()
	}
	one, two := <-ids, <-ids
	assert.NotEmpty(t, one)
	assert.Equal(t, one, two)
	require.Eventually(t, func() bool { return len(r[0].e.begun)+len(r[1].e.begun) > 0 }, 5*time.Second, time.Millisecond)
	assert.Equal(t, 1, len(r[0].e.begun)+len(r[1].e.begun))
}

func TestFailedStartIsToldElsewhere(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	begun := make(chan struct{})
	r[0].e.startFn = func(context.Context, postpress.LinkRequest) error {
		close(begun)
		time.Sleep(100 * time.Millisecond)
		return &postpress.APIError{StatusCode: 429}
	}
	go call(t, r[0].h, "POST", "/links", "ada", `{}`)
	<-begun
	id := start(t, r[1].h, "ada", `{}`) // 201 for this replica
	assert.Equal(t, "rate_limited", watch(t, r[1].url, "ada", id, "").must(stateFailed).Code)
}

// The id of an attempt that is over is not that of the next one for the same thing: a
// tab that was left open must not end what is going on in another.
func TestOldID(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	old := start(t, r[0].h, "ada", `{}`)
	require.Equal(t, http.StatusNoContent, call(t, r[0].h, "DELETE", "/links/"+old, "ada", "").code)
	id := start(t, r[0].h, "ada", `{}`)
	require.Equal(t, old[:slotText], id[:slotText])
	for _, each := range r {
		assert.Equal(t, http.StatusNotFound, call(t, each.h, "DELETE", "/links/"+old, "ada", "").code)
	}
	_, cancels := r[0].e.links(2)[1].counts()
	assert.Zero(t, cancels)
}

// Nor is a viewer of the old one shown the next.
func TestViewerOfAnOldAttempt(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 2, nil)
	old := start(t, r[0].h, "ada", `{}`)
	r[0].e.links(1)[0].show(testQR)
	v := watch(t, r[1].url, "ada", old, "")
	v.must(postpress.LinkShow)
	r[1].store.down.Store(true) // it misses the end
	require.Equal(t, http.StatusNoContent, call(t, r[0].h, "DELETE", "/links/"+old, "ada", "").code)
	start(t, r[0].h, "ada", `{}`)
	r[1].store.down.Store(false)
	assert.Equal(t, "lost", v.must(stateFailed).Code)
}

// The store is a database of somebody's: what is no id does not reach it.
func TestBadIDsDoNotReachTheStore(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 1, nil)[0]
	for _, id := range []string{"short", strings.Repeat("*", slotText+nonceText), strings.Repeat("%00", slotText+nonceText), strings.Repeat("a", 5000)} {
		assert.Equal(t, http.StatusNotFound, call(t, r.h, "DELETE", "/links/"+id, "ada", "").code)
	}
	assert.Zero(t, r.store.loads.Load())
}
