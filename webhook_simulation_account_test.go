package postpress_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"

	postpress "github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// simState is what is true of an account, as far as those who wait are concerned.
type simState string

const (
	simPending   simState = "pending"
	simConnected simState = "connected"
	simFailed    simState = "failed"
)

// simAccount is an account, what happens to it, and those who wait for it.
type simAccount struct {
	*simulation
	kind  int
	rnd   *rand.Rand
	began time.Time
	all   sync.WaitGroup

	id      string // under simulation.mu, as the rest
	history []simChange
	waits   []simWait
}

type simChange struct {
	at    time.Time
	state simState
	gone  postpress.Status // what the database should say of an account that cannot be read
}

type simWait struct {
	replica  int
	from, to time.Time
	account  *postpress.Account
	err      error
}

// simKinds are the lives of accounts. A silent one ends without an event.
var simKinds = []struct {
	name   string
	relink bool
	silent bool
	live   func(*simAccount)
}{
	{name: "connected", live: func(a *simAccount) { a.becomes(simConnected, "", a.srv.Scan) }},
	{name: "connected, then changing", live: (*simAccount).change},
	{name: "expired", live: func(a *simAccount) { a.becomes(simFailed, postpress.StatusCreationFail, a.srv.Expire) }},
	{name: "deleted", live: func(a *simAccount) { a.becomes(simFailed, postpress.StatusDeleted, a.delete) }},
	{name: "linked again", relink: true, live: func(a *simAccount) { a.becomes(simConnected, "", a.srv.Scan) }},
	{name: "not linked again", relink: true, silent: true, live: func(a *simAccount) { a.becomes(simFailed, "", a.srv.Expire) }},
}

func (a *simAccount) run() {
	a.pause(0, 60_000)
	a.start()
	last := 30_000
	if simKinds[a.kind].relink { // whoever begins when it is over finds it as it was before
		last = 3_000
	}
	live := time.Duration(5_000+a.rnd.IntN(30_000)) * time.Millisecond
	begin := []time.Duration{live - time.Duration(a.rnd.IntN(100_000))*time.Microsecond} // one reads while it happens
	for range a.rnd.IntN(simWaits) {
		begin = append(begin, time.Duration(a.rnd.IntN(last))*time.Millisecond)
	}
	for _, after := range begin {
		replica := a.rnd.IntN(simReplicas)
		a.all.Go(func() { a.wait(after, replica) })
	}
	time.Sleep(live)
	simKinds[a.kind].live(a)
	a.all.Wait()
}

func (a *simAccount) pause(least, most int) {
	time.Sleep(time.Duration(least+a.rnd.IntN(most-least)) * time.Millisecond)
}

// start begins to link the account, or one that was linked before.
func (a *simAccount) start() {
	client := a.replicas[a.rnd.IntN(simReplicas)].client
	id := ""
	if simKinds[a.kind].relink {
		id = a.srv.AddAccount(postpresstest.Account{Status: postpress.StatusCredentials}).ID
		_, err := client.ReconnectWhatsAppQR(a.t.Context(), id)
		assert.NoError(a.t, err)
	} else {
		checkpoint, err := client.StartWhatsAppQR(a.t.Context())
		if assert.NoError(a.t, err) {
			id = checkpoint.AccountID
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.id, a.began = id, time.Now()
	a.history = []simChange{{at: a.began, state: simPending}}
	if simKinds[a.kind].relink {
		a.db[id] = postpress.StatusCredentials
	}
}

func (a *simAccount) wait(after time.Duration, replica int) {
	time.Sleep(after)
	var opts []postpress.WaitOption
	if simKinds[a.kind].relink {
		opts = append(opts, postpress.WithReconnect())
	}
	w := simWait{replica: replica, from: time.Now()}
	w.account, w.err = a.replicas[replica].client.WaitForConnection(a.t.Context(), a.id, opts...)
	w.to = time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waits = append(a.waits, w)
}

// becomes has something happen, and remembers it as true from now on.
func (a *simAccount) becomes(state simState, gone postpress.Status, happen func(id string) error) {
	assert.NoError(a.t, happen(a.id))
	a.history = append(a.history, simChange{time.Now(), state, gone})
}

func (a *simAccount) delete(id string) error { return a.srv.SetStatus(id, postpress.StatusDeleted) }

// change links an account that then has its ups and downs.
func (a *simAccount) change() {
	a.becomes(simConnected, "", a.srv.Scan)
	downs := []postpress.Status{"CREDENTIALS", "ERROR", "STOPPED", "PERMISSIONS"}
	for i := range 1 + a.rnd.IntN(5) {
		a.pause(1_000, 30_000)
		status, state := postpress.StatusOK, simConnected
		if i%2 == 0 {
			status, state = downs[a.rnd.IntN(len(downs))], simFailed
		}
		a.becomes(state, "", func(id string) error { return a.srv.SetStatus(id, status) })
	}
}

// truth is what was true at some time between from and to.
func (a *simAccount) truth(from, to time.Time) (states []simState) {
	for i, c := range a.history {
		over := i+1 < len(a.history) && !a.history[i+1].at.After(from)
		if !over && !c.at.After(to) {
			states = append(states, c.state)
		}
	}
	return states
}

// since is when the account came into the state that it was in at the time, or later.
func (a *simAccount) since(state simState, at time.Time) time.Time {
	i := slices.IndexFunc(a.history, func(c simChange) bool { return c.state == state && !c.at.Before(at) })
	for j, c := range a.history {
		if c.state == state && !c.at.After(at) && (j+1 == len(a.history) || a.history[j+1].at.After(at)) {
			i = j
		}
	}
	return a.history[max(i, 0)].at
}
