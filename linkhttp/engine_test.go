package linkhttp

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// A person who is told that nothing was linked clicks again: no account is left of each click.
func TestNothingIsLeftOfAnUnknownCheckpoint(t *testing.T) {
	srv := postpresstest.NewServer()
	defer srv.Close()
	client := srv.Client()
	defer client.Close()
	there := srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials})
	e := clientEngine{client: client}
	for name, row := range map[string]struct {
		req  postpress.LinkRequest
		left bool
	}{
		"new":       {postpress.LinkRequest{}, false},
		"reconnect": {postpress.LinkRequest{AccountID: there.ID}, true},
	} {
		t.Run(name, func(t *testing.T) {
			made := srv.AddAccount(postpresstest.Account{Status: postpress.StatusConnecting})
			srv.Inject(postpresstest.Fault{Method: "POST", Status: 202,
				Body: `{"object":"Checkpoint","account_id":"` + made.ID + `","checkpoint":{"type":"PASSKEY"}}`})
			_, err := e.start(t.Context(), row.req, name, name)
			require.ErrorIs(t, err, postpress.ErrUnsupportedCheckpoint)
			_, left := srv.Account(made.ID)
			assert.Equal(t, row.left, left)
		})
	}
}
