package postpress

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// linkAPI is the API as many attempts see it, in memory: every start has a code,
// looks are held until everybody has scanned.
type linkAPI struct {
	client  *Client
	scanned chan struct{} // closed when all have

	mu      sync.Mutex
	created int
	deleted int
}

func newLinkAPI(t testing.TB) *linkAPI {
	api := &linkAPI{scanned: make(chan struct{})}
	client, err := New(waitKey, WithHTTPClient(&http.Client{Transport: api}))
	require.NoError(t, err)
	api.client = client
	return api
}

// RoundTrip implements http.RoundTripper.
func (api *linkAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	_, id, _ := strings.Cut(r.URL.Path, "/accounts/")
	switch r.Method {
	case http.MethodPost:
		api.mu.Lock()
		defer api.mu.Unlock()
		api.created++
		if id == "" {
			id = crowdID(api.created)
		}
		qr := fmt.Sprintf("https://wa.me/settings/linked_devices#%0240d", api.created)
		return respond(r, 202, fmt.Sprintf(`{"object":"Checkpoint","account_id":%q,"checkpoint":{"type":"QRCODE","qrcode":%q}}`, id, qr)), nil
	case http.MethodDelete:
		api.mu.Lock()
		defer api.mu.Unlock()
		api.deleted++
		return respond(r, 200, `{"object":"AccountDeleted"}`), nil
	}
	if id == "" {
		return respond(r, 200, `{"object":"AccountList","items":[],"cursor":null}`), nil
	}
	select {
	case <-api.scanned:
		return respond(r, 200, accountJSON(id, StatusOK)), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// startLinks starts n attempts, each with a viewer.
func (api *linkAPI) startLinks(t testing.TB, n int, viewers *sync.WaitGroup) []*Link {
	links := make([]*Link, n)
	for i := range links {
		link, err := api.client.LinkWhatsApp(context.Background(), LinkRequest{}, WithLinkKey(crowdID(i)))
		require.NoError(t, err)
		links[i] = link
		viewers.Go(func() {
			for range link.Steps(context.Background()) {
			}
		})
	}
	return links
}

func cancelAll(links []*Link) {
	var all sync.WaitGroup
	for _, link := range links {
		all.Go(func() { _ = link.Cancel(context.Background()) })
	}
	all.Wait()
}

// BenchmarkLinkMemory tells what a live attempt with one viewer costs, the
// viewer's goroutine included, the connections of looks in flight not: the
// API is in memory.
func BenchmarkLinkMemory(b *testing.B) {
	const n = 5000
	for b.Loop() {
		api := newLinkAPI(b)
		memory, goroutines := inUse(), runtime.NumGoroutine()
		var viewers sync.WaitGroup
		links := api.startLinks(b, n, &viewers)
		time.Sleep(5 * time.Second) // until they are all at rest
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/n, "goroutines/attempt")
		b.ReportMetric(float64(inUse()-memory)/n, "B/attempt")
		cancelAll(links)
		viewers.Wait()
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines-left")
		runtime.KeepAlive(links)
	}
}

// Nothing is left of five thousand attempts: no goroutine (the bubble would not
// end), no wait, no key, no account.
func TestLinksLeaveNothingBehind(t *testing.T) {
	n := 5000
	if n > manyWaits {
		n = manyWaits / 8 // an attempt with a viewer has three goroutines
	}
	for name, connect := range map[string]bool{"connected": true, "cancelled": false, "time up": false} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newLinkAPI(t)
				var viewers sync.WaitGroup
				links := api.startLinks(t, n, &viewers)
				time.Sleep(30 * time.Second)
				switch {
				case connect:
					close(api.scanned)
				case name == "cancelled":
					cancelAll(links)
				}
				for _, link := range links {
					_, err := link.Wait(context.Background())
					assert.Equal(t, connect, err == nil)
				}
				viewers.Wait()
				synctest.Wait()
				assert.Zero(t, api.client.watchers.count())
				assert.Empty(t, api.client.links.slots)
				if !connect {
					assert.Equal(t, n, api.deleted)
				}
			})
		})
	}
}
