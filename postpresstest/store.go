package postpresstest

import (
	"sync"
	"time"

	postpress "github.com/postpress-ai/postpress-go"
)

// account is what the double keeps of one. Its fields are guarded by the store.
type account struct {
	seq       int // the order of lists
	id        string
	provider  postpress.Provider
	name      string
	phone     string
	createdAt time.Time
	fetchedAt time.Time
	status    postpress.Status
	known     bool // false until a new account is connected
	intent    *intent
	changed   chan struct{} // closed, and replaced, at each change a held get may wait for
}

func (a *account) wake() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// change is something that happened to an account, as a webhook reports it.
type change struct {
	at        time.Time
	accountID string
	provider  postpress.Provider
	message   postpress.Status
}

// store keeps the accounts and what happened to them. It is safe for concurrent use.
type store struct {
	cfg    *config
	ids    *generator
	codes  *generator
	timers *timers

	mu       sync.Mutex
	byID     map[string]*account
	lastSeq  int
	changes  []change
	onChange func(change) // the webhook sender: called with mu held
	links    map[string]hostedBody
}

func newStore(cfg *config, ids *generator, t *timers) *store {
	return &store{
		cfg: cfg, ids: ids, codes: newGenerator(cfg.seed, streamCodes), timers: t,
		byID: make(map[string]*account), onChange: func(change) {}, links: make(map[string]hostedBody),
	}
}

func (st *store) record(a *account, message postpress.Status, now time.Time) {
	c := change{at: now, accountID: a.id, provider: a.provider, message: message}
	st.changes = append(st.changes, c)
	st.onChange(c)
}

func (st *store) setStatus(a *account, status postpress.Status, now time.Time) {
	if a.status != status {
		a.status = status
		st.record(a, status, now)
	}
}

// add makes an account that is not known yet. The id is drawn if it is "".
func (st *store) add(id string, provider postpress.Provider, now time.Time) *account {
	if id == "" {
		id = st.ids.id("acc")
	}
	a := &account{
		id: id, provider: provider, createdAt: now, fetchedAt: now,
		status: postpress.StatusConnecting, changed: make(chan struct{}),
	}
	st.number(a)
	st.byID[id] = a
	return a
}

// number puts an account at the end of the list.
func (st *store) number(a *account) {
	st.lastSeq++
	a.seq = st.lastSeq
}

// accept makes an account one that every call knows. It is numbered anew, so that it
// is not missed by somebody who has read the list half.
func (st *store) accept(a *account) {
	if !a.known {
		a.known = true
		st.number(a)
	}
}

// find returns an account as it is now, or nil.
func (st *store) find(id string, now time.Time) *account {
	a := st.byID[id]
	if a != nil {
		st.settle(a, now)
	}
	return a
}

// findKnown is find for calls that do not know an account before it is connected.
func (st *store) findKnown(id string, now time.Time) (*account, *apiError) {
	a := st.find(id, now)
	if a == nil || !a.known {
		return nil, notFound("this account")
	}
	return a, nil
}

// known says whether there is a connected account with this id.
func (st *store) known(id string) *apiError {
	st.mu.Lock()
	defer st.mu.Unlock()
	_, err := st.findKnown(id, time.Now())
	return err
}

// findStarted is find for calls that belong to an authentication: on a new account
// whose intent has ended they say so, and go on saying so.
func (st *store) findStarted(id string, now time.Time, held bool) (*account, *apiError) {
	a := st.find(id, now)
	switch {
	case a == nil:
		return nil, notFound("this account")
	case !a.known && a.intent.ended != nil:
		return nil, a.intent.sayEnded(held)
	}
	return a, nil
}

// sayEnded says why an intent has ended, to those that were held at that moment
// or else to the first to ask; later ones learn that it no longer exists.
func (in *intent) sayEnded(held bool) *apiError {
	if held || in.announced == 0 {
		in.announced++
		in.owed++
		return in.ended
	}
	in.owed--
	return fail(400, "invalid_request", "the authentication intent no longer exists")
}

// remove forgets an account; held gets find that it is gone.
func (st *store) remove(a *account, now time.Time) {
	if a.intent != nil {
		a.intent.stopTimers()
	}
	delete(st.byID, a.id)
	st.record(a, postpress.StatusDeleted, now)
	a.wake()
}

func (st *store) wire(a *account) wireAccount {
	return wireAccount{
		Object: "Account", Type: a.provider, ID: a.id, Name: a.name, CreatedAt: stamp(a.createdAt),
		ConnectionParams: wireConnectionParams{IM: wireIM{PhoneNumber: a.phone}},
		LastFetchedAt:    stamp(a.fetchedAt), Signatures: []struct{}{}, Groups: []string{},
		Sources: []wireSource{{ID: a.id + "_MESSAGING", Status: a.status}},
	}
}
