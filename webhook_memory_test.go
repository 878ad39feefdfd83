package postpress

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type instantAPI struct{}

func (instantAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, _ = w.WriteString(`{"object":"Account","sources":[{"status":"OK"}]}`)
	return w.Result(), nil
}

func hint(h http.Handler, id string) int {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"AccountStatus":{"account_id":"`+id+`","message":"OK"}}`))
	r.Header.Set(DefaultWebhookHeader, "a secret of the tests")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// However many accounts there are, the handler remembers a bounded number, and
// those heard of last; one that is being worked on is never forgotten.
func TestChangesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, err := New("pp_test_x", WithHTTPClient(&http.Client{Transport: instantAPI{}}))
		require.NoError(t, err)
		calls, release := map[string]int{}, make(chan struct{})
		h, err := NewWebhookHandler(WebhookConfig{
			Secrets: []string{"a secret of the tests"}, Client: client, CallbackTimeout: 24 * time.Hour,
			OnChange: func(_ context.Context, a *Account) error {
				if a.ID == "busy" {
					<-release
					return nil
				}
				calls[a.ID]++
				return nil
			},
		})
		require.NoError(t, err)
		busy := make(chan int)
		go func() { busy <- hint(h, "busy") }()
		synctest.Wait()
		for i := range maxChanges + 100 {
			require.Equal(t, http.StatusOK, hint(h, fmt.Sprintf("acc_%d", i)))
			if i == maxChanges/2 {
				require.Equal(t, http.StatusOK, hint(h, "acc_5"))
			}
		}
		assert.Len(t, h.changes.known, maxChanges)
		assert.Equal(t, maxChanges, h.changes.order.Len())
		assert.Contains(t, h.changes.known, "busy")
		assert.Contains(t, h.changes.known, "acc_5", "heard of again")
		assert.NotContains(t, h.changes.known, "acc_6")
		time.Sleep(mostCalm)
		for _, id := range []string{"acc_0", "acc_200"} {
			require.Equal(t, http.StatusOK, hint(h, id))
		}
		assert.Equal(t, 2, calls["acc_0"])
		assert.Equal(t, 2, calls["acc_200"])

		time.Sleep(changeMemory)
		require.Equal(t, http.StatusOK, hint(h, "new"))
		assert.Len(t, h.changes.known, 2, "new and busy")
		close(release)
		assert.Equal(t, http.StatusOK, <-busy)
		time.Sleep(changeMemory)
		require.Equal(t, http.StatusOK, hint(h, "newer"))
		assert.Len(t, h.changes.known, 1)
		require.NoError(t, h.Close())
	})
}
