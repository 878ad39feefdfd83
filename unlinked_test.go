package postpress_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// ghost describes an account as the list has it.
type ghost struct{ id, provider, created, name, phone, status string }

func (g ghost) json() string {
	sources := ""
	if g.status != "" {
		sources = fmt.Sprintf(`{"id":"s","status":%q}`, g.status)
	}
	return fmt.Sprintf(`{"object":"Account","type":%q,"id":%q,"name":%q,"created_at":%q,"connection_params":{"im":{"phone_number":%q}},"sources":[%s]}`,
		g.provider, g.id, g.name, g.created, g.phone, sources)
}

// haunt makes the double list these accounts, and answer looks at them in the same way.
func (d *desk) haunt(ghosts ...ghost) {
	var all []string
	for _, g := range ghosts {
		all = append(all, g.json())
		d.srv.Inject(postpresstest.Fault{Method: "GET", Path: "/accounts/" + g.id, Status: 200, Body: g.json(), Times: postpresstest.Always})
		d.srv.Inject(postpresstest.Fault{Method: "DELETE", Path: "/accounts/" + g.id, Status: 200, Body: `{"object":"AccountDeleted"}`, Times: postpresstest.Always})
	}
	d.srv.Inject(postpresstest.Fault{Method: "GET", Path: "/accounts", Status: 200, Times: postpresstest.Always,
		Body: `{"object":"AccountList","items":[` + strings.Join(all, ",") + `],"cursor":null}`})
}

const (
	longAgo  = "1999-12-31T20:00:00.000Z" // a bubble begins in 2000
	recently = "1999-12-31T23:58:00.000Z"
)

func ids(found []postpress.UnlinkedAccount) (all []string) {
	for _, f := range found {
		all = append(all, f.AccountID)
	}
	return all
}

func TestSweepUnlinkedFindsGhostsOnly(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.haunt(
			ghost{"ghost-1", "WHATSAPP", longAgo, "", "", "CREDENTIALS"},
			ghost{"running", "WHATSAPP", longAgo, "", "", "OK"},
			ghost{"was-linked", "WHATSAPP", longAgo, "", "33612345678", "CREDENTIALS"},
			ghost{"named", "WHATSAPP", longAgo, "33612345678", "", "CREDENTIALS"},
			ghost{"young", "WHATSAPP", recently, "", "", "CREDENTIALS"},
			ghost{"ageless", "WHATSAPP", "", "", "", "CREDENTIALS"},
			ghost{"other", "TELEGRAM", longAgo, "", "", "CREDENTIALS"},
			ghost{"ghost-2", "WHATSAPP", longAgo, "", "", "CREATION_FAIL"},
		)
		found, err := d.client.SweepUnlinked(d.t.Context(), 5*time.Minute)
		require.NoError(t, err)
		assert.Equal(t, []string{"ghost-1", "ghost-2"}, ids(found))
		for _, f := range found {
			assert.NoError(t, f.Err)
			assert.False(t, f.Deleted)
		}
		assert.Zero(t, d.sent("DELETE", "/accounts/"), "a dry run")

		found, err = d.client.SweepUnlinked(d.t.Context(), 5*time.Minute, postpress.SweepDelete())
		require.NoError(t, err)
		assert.Equal(t, []string{"ghost-1", "ghost-2"}, ids(found))
		assert.True(t, found[0].Deleted && found[1].Deleted)
		assert.Equal(t, 2, d.sent("DELETE", "/accounts/"))
		assert.Equal(t, 1, d.sent("DELETE", "/accounts/ghost-1"))
	})
}

// Each is looked at before it is deleted, and left alone unless it is seen to be a ghost.
func TestSweepUnlinkedVerifies(t *testing.T) {
	g := ghost{"ghost", "WHATSAPP", longAgo, "", "", "CREDENTIALS"}
	linked := ghost{"ghost", "WHATSAPP", longAgo, "", "33612345678", "OK"}
	lost := ghost{"ghost", "WHATSAPP", longAgo, "", "33612345678", "CREDENTIALS"}
	busy := ghost{"ghost", "WHATSAPP", longAgo, "", "", "CONNECTING"}
	get := func(f postpresstest.Fault) postpresstest.Fault {
		f.Method, f.Path, f.Times = "GET", "/accounts/ghost", postpresstest.Always
		return f
	}
	for name, c := range map[string]struct {
		fault postpresstest.Fault
		err   error
	}{
		"linked meanwhile": {get(postpresstest.Fault{Status: 200, Body: linked.json()}), postpress.ErrAlreadyConnected},
		"was linked":       {get(postpresstest.Fault{Status: 200, Body: lost.json()}), postpress.ErrAlreadyConnected},
		"connecting":       {get(postpresstest.Fault{Status: 200, Body: busy.json()}), postpress.ErrAuthInProgress},
		"held":             {get(postpresstest.Fault{Latency: time.Hour}), postpress.ErrAuthInProgress},
		"gone":             {get(postpresstest.Fault{Status: 404}), postpress.ErrNotFound},
		"unavailable":      {get(postpresstest.Fault{Status: 503}), postpress.ErrUnavailable},
		"refused":          {get(postpresstest.Fault{Status: 403}), postpress.ErrForbidden},
		"intent over":      {get(postpresstest.Fault{Status: 400}), nil},
		"intent killed":    {get(postpresstest.Fault{Status: 500, Type: "authentication_intent_error"}), nil},
		"not deleted":      {postpresstest.Fault{Method: "DELETE", Status: 403, Times: postpresstest.Always}, postpress.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				d.srv.Inject(c.fault) // the first that matches
				d.haunt(g)
				found, err := d.client.SweepUnlinked(d.t.Context(), time.Hour, postpress.SweepDelete())
				require.NoError(t, err)
				require.Len(t, found, 1)
				assert.ErrorIs(t, found[0].Err, c.err)
				assert.Equal(t, c.err == nil, found[0].Deleted)
				if name != "not deleted" {
					assert.Equal(t, c.err == nil, d.sent("DELETE", "/accounts/ghost") == 1)
				}
				assert.LessOrEqual(t, d.now(), 11*time.Second)
				d.srv.ClearFaults()
			})
		})
	}
}

// The first answer after an intent has run out is 408, the next one tells.
func TestSweepUnlinkedLooksTwice(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.srv.Inject(postpresstest.Fault{Method: "GET", Path: "/accounts/ghost", Status: 408})
		d.srv.Inject(postpresstest.Fault{Method: "GET", Path: "/accounts/ghost", Status: 400, Times: postpresstest.Always})
		d.haunt(ghost{"ghost", "WHATSAPP", longAgo, "", "", "CREDENTIALS"})
		found, err := d.client.SweepUnlinked(d.t.Context(), time.Hour)
		require.NoError(t, err)
		require.Len(t, found, 1)
		assert.NoError(t, found[0].Err)
	})
}

// The attempt of another process is not swept away.
func TestSweepUnlinkedLeavesLiveAttempts(t *testing.T) {
	atDesk(t, func(d *desk) {
		link := d.start(postpress.LinkRequest{})
		d.until(7 * time.Minute)
		other := d.srv.Client()
		found, err := other.SweepUnlinked(d.t.Context(), 5*time.Minute, postpress.SweepDelete())
		other.Close()
		require.NoError(t, err)
		require.Len(t, found, 1)
		assert.ErrorIs(t, found[0].Err, postpress.ErrAuthInProgress)
		require.NoError(t, d.srv.Scan(link.AccountID()))
		a, err := d.end(link)
		assertConnected(t, a, err)
	}, postpresstest.WithPendingInList(), postpresstest.WithReissue(postpresstest.ReissueAlways))
}

func TestSweepUnlinkedErrors(t *testing.T) {
	atDesk(t, func(d *desk) {
		_, err := d.client.SweepUnlinked(d.t.Context(), 5*time.Minute-1)
		var bad *postpress.ArgumentError
		require.ErrorAs(t, err, &bad)
		assert.Equal(t, "olderThan", bad.Field)
		assert.Empty(t, d.srv.Requests())

		d.srv.Inject(postpresstest.Fault{Method: "GET", Path: "/accounts", Status: 403})
		_, err = d.client.SweepUnlinked(d.t.Context(), time.Hour)
		require.ErrorIs(t, err, postpress.ErrForbidden)

		ctx, cancel := context.WithCancel(d.t.Context())
		d.haunt(ghost{"a", "WHATSAPP", longAgo, "", "", "CREDENTIALS"}, ghost{"b", "WHATSAPP", longAgo, "", "", "CREDENTIALS"})
		d.through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method == http.MethodDelete {
				cancel()
			}
			return next.RoundTrip(r)
		})
		found, err := d.client.SweepUnlinked(ctx, time.Hour, postpress.SweepDelete(), nil)
		require.ErrorIs(t, err, context.Canceled)
		assert.Len(t, found, 1)
	})
}
