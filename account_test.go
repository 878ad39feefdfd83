package postpress_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

func readAccount(t *testing.T, name string) *postpress.Account {
	t.Helper()
	api := newMockAPI(t)
	api.answer("GET", "/accounts/"+mockID, reply(200, fixture(t, "accounts/"+name+".json")))
	a, err := api.client.GetAccount(t.Context(), mockID)
	require.NoError(t, err)
	assert.JSONEq(t, fixture(t, "accounts/"+name+".json"), string(a.Raw), "all of it stays reachable")
	return a
}

func TestAccountInFull(t *testing.T) {
	a := readAccount(t, "whatsapp")
	assert.Equal(t, &postpress.Account{
		ID: mockID, Name: "Ada", Provider: postpress.ProviderWhatsApp,
		CreatedAt:        time.Date(2025, 12, 31, 23, 59, 59, 999e6, time.UTC),
		ConnectionParams: postpress.ConnectionParams{IM: postpress.IMParams{PhoneNumber: "33612345678"}},
		LastFetchedAt:    time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC),
		CurrentSignature: "Work",
		Signatures:       []postpress.Signature{{Title: "Work", Content: "Ada, Analytical Engines"}},
		Groups:           []string{"sales", "fr"},
		Sources:          []postpress.Source{{ID: mockID + "_MESSAGING", Status: postpress.StatusOK}},
		Raw:              a.Raw,
	}, a)
	assert.True(t, a.Connected())
	assert.Equal(t, "33612345678", a.PhoneNumber())
}

// What a field that cannot be read says is missing; what the others say is not.
func TestAccountIsReadAsFarAsItCanBe(t *testing.T) {
	for name, want := range map[string]postpress.Account{
		"mail": {ID: mockID, Name: "ada@example.com", Provider: postpress.ProviderGoogleOAuth, CreatedAt: time.Date(2025, 12, 31, 23, 59, 59, 999e6, time.UTC),
			Signatures: []postpress.Signature{}, Groups: []string{},
			Sources: []postpress.Source{{ID: "a_MAILS", Status: "OK"}, {ID: "a_CALENDAR", Status: "PERMISSIONS"}, {ID: "a_DRIVE", Status: "CONNECTING"}}},
		"nulls":     {ID: mockID, Provider: postpress.ProviderWhatsApp, Sources: []postpress.Source{{Status: postpress.StatusConnecting}}},
		"mistyped":  {ID: mockID, Groups: []string{"", "fr"}, Sources: []postpress.Source{{Status: postpress.StatusCredentials}}},
		"unknown":   {ID: mockID, Name: "Ada", Provider: "CARRIER_PIGEON", CreatedAt: time.Date(2025, 12, 31, 21, 59, 59, 999e6, time.UTC), Sources: []postpress.Source{{ID: "x", Status: "DAYDREAMING"}}},
		"number_id": {ID: "123456", Provider: postpress.ProviderWhatsApp},
		"minimal":   {ID: mockID},
	} {
		t.Run(name, func(t *testing.T) {
			a := readAccount(t, name)
			want.Raw = a.Raw
			assert.Equal(t, &want, a)
		})
	}
}

func TestAccountStatus(t *testing.T) {
	assert.Equal(t, postpress.StatusPermissions, readAccount(t, "mail").Status(), "the worst of three")
	assert.Equal(t, postpress.Status("DAYDREAMING"), readAccount(t, "unknown").Status())
	assert.Empty(t, readAccount(t, "minimal").Status())
	assert.False(t, readAccount(t, "minimal").Connected(), "not known to be")

	// The documented order, from the worst.
	order := []postpress.Status{
		postpress.StatusDeleted, postpress.StatusCreationFail, postpress.StatusCredentials, postpress.StatusPermissions,
		postpress.StatusError, postpress.StatusStopped, postpress.StatusConnecting, "DAYDREAMING", postpress.StatusOK,
	}
	for i, worse := range order {
		for _, better := range order[i:] {
			for _, pair := range [][]postpress.Status{{worse, better}, {better, worse}} {
				a := postpress.Account{Sources: []postpress.Source{{Status: pair[0]}, {Status: pair[1]}}}
				assert.Equal(t, worse, a.Status(), pair)
				assert.Equal(t, worse == postpress.StatusOK, a.Connected(), pair)
			}
		}
	}
}

func TestStatusPredicates(t *testing.T) {
	for status, want := range map[postpress.Status]struct{ connected, needsReconnect, terminal bool }{
		postpress.StatusOK:              {true, false, true},
		postpress.StatusCreationSuccess: {true, false, true},
		postpress.StatusReconnected:     {true, false, true},
		postpress.StatusSyncSuccess:     {true, false, true},
		postpress.StatusConnecting:      {false, false, false},
		postpress.StatusCredentials:     {false, true, true},
		postpress.StatusPermissions:     {false, true, true},
		postpress.StatusStopped:         {false, true, true},
		postpress.StatusError:           {false, true, true},
		postpress.StatusCreationFail:    {false, false, true},
		postpress.StatusDeleted:         {false, false, true},
		"":                              {false, false, false},
		"ok":                            {false, false, false},
	} {
		assert.Equal(t, want.connected, status.Connected(), status)
		assert.Equal(t, want.needsReconnect, status.NeedsReconnect(), status)
		assert.Equal(t, want.terminal, status.Terminal(), status)
	}
}

func TestAccountThatIsNone(t *testing.T) {
	for _, body := range []string{`null`, `[]`, `"acc_1"`, `7`, ``, `{"id":`, `<html>Log in</html>`} {
		api := newMockAPI(t)
		api.answer("GET", "/accounts/a", reply(200, body))
		_, err := api.client.GetAccount(t.Context(), "a")
		var apiErr *postpress.APIError
		require.ErrorAs(t, err, &apiErr, body)
		assert.Equal(t, 200, apiErr.StatusCode)
		assert.Equal(t, body, string(apiErr.Body()))
	}
}

// An account written as JSON by one program is read back by another.
func TestAccountJSONRoundTrip(t *testing.T) {
	for name := range fixtures(t, "accounts") {
		a := readAccount(t, name)
		data, err := json.Marshal(a)
		require.NoError(t, err)
		var back postpress.Account
		require.NoError(t, json.Unmarshal(data, &back))
		back.Raw = a.Raw
		assert.Equal(t, *a, back, name)
	}
	var a postpress.Account
	require.Error(t, json.Unmarshal([]byte(`[]`), &a))
	a.ID = "kept"
	require.NoError(t, json.Unmarshal([]byte(`null`), &a))
	assert.Equal(t, "kept", a.ID)
	var holder struct{ Account postpress.Account }
	require.NoError(t, json.Unmarshal([]byte(`{"account":{"id":"inner"}}`), &holder))
	assert.Equal(t, "inner", holder.Account.ID)
}

func TestListAccounts(t *testing.T) {
	for name, next := range map[string]string{"reference": "bmV4dA==", "quickstart": "bmV4dA==", "paging": ""} {
		t.Run(name, func(t *testing.T) {
			api := newMockAPI(t)
			api.answer("GET", "/accounts?cursor=a%2Bb%3D&limit=250", reply(200, fixture(t, "lists/"+name+".json")))
			page, err := api.client.ListAccounts(t.Context(), postpress.ListOptions{Limit: 250, Cursor: "a+b="})
			require.NoError(t, err)
			require.Len(t, page.Accounts, 2)
			assert.Equal(t, "acc_1", page.Accounts[0].ID)
			assert.Equal(t, postpress.StatusCredentials, page.Accounts[1].Status())
			assert.Contains(t, string(page.Accounts[1].Raw), `"created_at"`)
			assert.Equal(t, next, page.NextCursor)
			assert.JSONEq(t, fixture(t, "lists/"+name+".json"), string(page.Raw))
			if name == "paging" {
				assert.Equal(t, &postpress.Paging{Start: 0, PageCount: 2, TotalCount: 2}, page.Paging)
			} else {
				assert.Nil(t, page.Paging)
			}
		})
	}
	for _, name := range []string{"empty", "null"} {
		api := newMockAPI(t)
		api.answer("GET", "/accounts", reply(200, fixture(t, "lists/"+name+".json")))
		page, err := api.client.ListAccounts(t.Context(), postpress.ListOptions{})
		require.NoError(t, err)
		assert.Empty(t, page.Accounts)
		assert.Empty(t, api.only().Query)
	}
}

// No list is not an empty list: whoever syncs would delete everything.
func TestListThatIsNone(t *testing.T) {
	for _, body := range []string{`{}`, `{"items":{}}`, `{"data":"none"}`, `[]`, `null`, `<html></html>`} {
		api := newMockAPI(t)
		api.answer("GET", "/accounts", reply(200, body))
		_, err := api.client.ListAccounts(t.Context(), postpress.ListOptions{})
		var apiErr *postpress.APIError
		require.ErrorAs(t, err, &apiErr, body)
		assert.Equal(t, "the answer could not be read", apiErr.Title)
	}
}

func TestAllAccounts(t *testing.T) {
	page := func(id, next string) string { return fmt.Sprintf(`{"items":[{"id":%q}],"cursor":%q}`, id, next) }
	collect := func(api *mockAPI, o postpress.ListOptions) (ids []string, failed error) {
		for a, err := range api.client.AllAccounts(t.Context(), o) {
			require.NoError(t, failed, "one error, then no more")
			if failed = err; err == nil {
				ids = append(ids, a.ID)
			}
		}
		return ids, failed
	}

	api := newMockAPI(t)
	api.answer("GET", "/accounts?limit=1", reply(200, page("a", "c1")))
	api.answer("GET", "/accounts?cursor=c1&limit=1", reply(200, page("b", "c2")))
	api.answer("GET", "/accounts?cursor=c2&limit=1", reply(200, page("c", "")))
	all := api.client.AllAccounts(t.Context(), postpress.ListOptions{Limit: 1})
	assert.Empty(t, api.sent, "nothing is read before it is asked for")
	for a, err := range all {
		require.NoError(t, err)
		assert.Equal(t, "a", a.ID)
		break
	}
	assert.Len(t, api.sent, 1, "nor more than that")
	for range 2 { // every iteration begins anew
		ids, err := collect(api, postpress.ListOptions{Limit: 1})
		require.NoError(t, err)
		assert.Equal(t, []string{"a", "b", "c"}, ids)
	}
	ids, err := collect(api, postpress.ListOptions{Limit: 1, Cursor: "c2"})
	require.NoError(t, err)
	assert.Equal(t, []string{"c"}, ids)

	api = newMockAPI(t)
	api.answer("GET", "/accounts", reply(200, page("a", "c1")))
	api.answer("GET", "/accounts?cursor=c1", reply(500, fixture(t, "errors/intent_ended.error.json")))
	ids, err = collect(api, postpress.ListOptions{})
	var apiErr *postpress.APIError
	require.True(t, errors.As(err, &apiErr))
	assert.Equal(t, []string{"a"}, ids)

	api = newMockAPI(t)
	api.answer("GET", "/accounts", reply(200, page("a", "c1")))
	api.answer("GET", "/accounts?cursor=c1", reply(200, page("b", "c1")))
	ids, err = collect(api, postpress.ListOptions{})
	require.EqualError(t, err, "postpress: the API repeated a cursor of the list, which would never end")
	assert.Equal(t, []string{"a", "b"}, ids)

	for _, limit := range []int{-1, 251} {
		_, err = collect(newMockAPI(t), postpress.ListOptions{Limit: limit})
		requireArgumentError(t, err, "Limit")
	}
}
