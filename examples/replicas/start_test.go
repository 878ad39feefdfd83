package main

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// A replica is killed when the API has created the account, and before its answer
// has arrived: nobody knows the account. The person clicks again.
func TestReplicaIsKilledDuringTheStart(t *testing.T) {
	double := postpresstest.NewServer(postpresstest.WithHold(0))
	double.Inject(postpresstest.Fault{Method: http.MethodPost, Path: "/accounts", Kind: postpresstest.FaultStall})
	clickAndKill(t, double, func() {
		require.Eventually(t, func() bool { return len(double.Accounts()) == 1 }, patience, time.Millisecond)
	})
}

// A replica is killed at any moment around the click.
func TestReplicaIsKilledAtAnyMoment(t *testing.T) {
	for range 5 {
		moment := rand.N(20 * time.Millisecond)
		t.Run(moment.String(), func(t *testing.T) {
			clickAndKill(t, postpresstest.NewServer(postpresstest.WithHold(0)), func() { time.Sleep(moment) })
		})
	}
}

// clickAndKill has somebody click, and click again as long as there is no answer, while
// the replica that got the first click is killed.
func clickAndKill(t *testing.T, double *postpresstest.Server, until func()) {
	t.Helper()
	p, out, errs := test()
	s := session{program: p, settings: settings{redis: startRedis(t)}, double: double, ends: []func(){double.Close}}
	t.Cleanup(func() {
		for i := len(s.ends) - 1; i >= 0; i-- {
			s.ends[i]()
		}
	})
	require.NoError(t, s.startReplicas(), errs)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	b := &browser{url: s.url, client: &http.Client{Transport: transport}}
	started := make(chan string)
	go func() {
		for t.Context().Err() == nil {
			if id, err := b.start(t.Context()); err == nil {
				started <- id
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	until()
	s.balancer.replicas[0].kill()
	account, err := b.watch(t.Context(), <-started, func(st step) {
		if st.State == postpress.LinkShow {
			_ = double.Scan(double.Accounts()[0].ID) // the second time it is done already
		}
	})
	require.NoError(t, err, "%s%s", out, errs)
	require.Len(t, double.Accounts(), 1, "%s%s", out, errs)
	assert.Equal(t, account, double.Accounts()[0].ID)
}
