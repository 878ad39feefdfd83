package postpresstest_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

func (a *api) names(query string) (names []string, cursor string) {
	a.t.Helper()
	r := a.do("GET", "/accounts"+query, "")
	assertShape(a.t, object("AccountList").with("items", list(accountShape.rule())).with("cursor", nullOr(someText)), r)
	for _, item := range r.object(a.t)["items"].([]any) {
		names = append(names, item.(map[string]any)["name"].(string))
	}
	cursor, _ = r.object(a.t)["cursor"].(string)
	return names, url.QueryEscape(cursor)
}

func TestPagesSurviveWhatComesAndGoes(t *testing.T) {
	a := newAPI(t)
	add := func(name string) string { return a.srv.AddAccount(postpresstest.Account{Name: name}).ID }
	names, cursor := a.names("")
	assert.Empty(t, names)
	assert.Empty(t, cursor)
	add("a")
	b := add("b")
	add("c")
	pending, _ := a.connect(whatsApp)
	add("d")

	names, cursor = a.names("?limit=2")
	assert.Equal(t, []string{"a", "b"}, names)
	a.do("DELETE", "/accounts/"+b, "") // the very one the cursor stands on
	require.NoError(t, a.srv.ScanAs(pending, "33600000000"))
	add("e")
	names, cursor = a.names("?limit=2&cursor=" + cursor)
	assert.Equal(t, []string{"c", "d"}, names)
	names, cursor = a.names("?limit=250&cursor=" + cursor)
	assert.Equal(t, []string{"33600000000", "e"}, names, "in the order in which they were connected")
	assert.Empty(t, cursor)
}

func TestQuickstartPages(t *testing.T) {
	a := newAPI(t, postpresstest.WithPagination(postpresstest.PaginationQuickstart))
	for i := range 3 {
		a.srv.AddAccount(postpresstest.Account{Name: fmt.Sprint(i)})
	}
	page := shape{"data": list(accountShape.rule()), "next_cursor": nullOr(someText)}
	r := a.do("GET", "/accounts?limit=2", "")
	assertShape(t, page, r)
	r = a.do("GET", "/accounts?cursor="+url.QueryEscape(r.object(t)["next_cursor"].(string)), "")
	assertShape(t, page, r)
	assert.Len(t, r.object(t)["data"], 1)
	assert.Nil(t, r.object(t)["next_cursor"])
}

func TestDefaultLimitAndTheClientsIterator(t *testing.T) {
	a := newAPI(t)
	for range 201 {
		a.srv.AddAccount(postpresstest.Account{})
	}
	names, _ := a.names("")
	assert.Len(t, names, 100)
	n := 0
	for _, err := range a.srv.Client().AllAccounts(t.Context(), postpress.ListOptions{Limit: 7}) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 201, n)
}

func TestPendingAccountsInLists(t *testing.T) {
	a := newAPI(t)
	id, _ := a.connect(whatsApp)
	names, _ := a.names("")
	assert.Empty(t, names)
	assert.Len(t, a.srv.Accounts(), 1)
	assert.True(t, a.srv.Accounts()[0].Pending)
	require.NoError(t, a.srv.Expire(id))

	a = newAPI(t, postpresstest.WithPendingInList())
	id, _ = a.connect(whatsApp)
	r := a.do("GET", "/accounts", "")
	item := r.object(t)["items"].([]any)[0].(map[string]any)
	assertAccount(t, item)
	assert.Equal(t, "CONNECTING", item["sources"].([]any)[0].(map[string]any)["status"])
	require.NoError(t, a.srv.Expire(id))
	names, _ = a.names("")
	assert.Empty(t, names)
}

func TestSeed(t *testing.T) {
	start := func() (string, map[string]any, reply) {
		a := newAPI(t, postpresstest.WithSeed(7))
		id, checkpoint := a.connect(whatsApp)
		return id, checkpoint, a.do("GET", "/nothing", "")
	}
	id1, checkpoint1, refused1 := start()
	id2, checkpoint2, refused2 := start()
	assert.Equal(t, id1, id2)
	assert.Equal(t, checkpoint1, checkpoint2)
	assert.Equal(t, refused1.header.Get("X-Request-Id"), refused2.header.Get("X-Request-Id"))
	other, _ := newAPI(t).connect(whatsApp)
	assert.NotEqual(t, id1, other)
}
