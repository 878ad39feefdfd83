package postpresstest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	postpress "github.com/postpress-ai/postpress-go"
)

// An Account is what the double knows of an account.
type Account struct {
	ID          string             // acc_…
	Provider    postpress.Provider // WHATSAPP unless said otherwise
	Name        string             // as the API shows it
	PhoneNumber string             // digits only; "" while a new account is pending
	Status      postpress.Status   // of its one source
	CreatedAt   time.Time          // in UTC, to the millisecond
	Pending     bool               // an authentication intent is live
}

// AddAccount adds an account as if it had been linked long ago, for lists and for
// reconnects, and returns it with what was left zero filled in: an ID, WHATSAPP, a
// phone number, the number as the name, OK, the time of now. Pending is ignored. It
// panics on an ID that is in use.
func (s *Server) AddAccount(a Account) Account {
	st := s.accounts
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	if st.byID[a.ID] != nil {
		panic(fmt.Sprintf("postpresstest: account %s exists already", a.ID))
	}
	added := st.add(a.ID, cmp.Or(a.Provider, postpress.ProviderWhatsApp), now)
	st.accept(added)
	added.status = cmp.Or(a.Status, postpress.StatusOK)
	added.phone = a.PhoneNumber
	if added.phone == "" {
		added.phone = st.ids.phone()
	}
	added.name = cmp.Or(a.Name, added.phone)
	if !a.CreatedAt.IsZero() {
		added.createdAt = a.CreatedAt
	}
	return added.public()
}

// Account returns the account with this id, also a new one that is still pending.
func (s *Server) Account(id string) (Account, bool) {
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	a := s.accounts.find(id, time.Now())
	if a == nil || !a.known && !a.intent.live() {
		return Account{}, false
	}
	return a.public(), true
}

// Accounts returns all accounts in the order in which they were begun, new ones that
// are still pending included.
func (s *Server) Accounts() []Account {
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	all := []Account{}
	for _, a := range s.accounts.ordered(time.Now()) {
		if a.known || a.intent.live() {
			all = append(all, a.public())
		}
	}
	return all
}

func (a *account) public() Account {
	return Account{
		ID: a.id, Provider: a.provider, Name: a.name, PhoneNumber: a.phone, Status: a.status,
		CreatedAt: a.createdAt.UTC().Truncate(time.Millisecond), Pending: a.intent.live(),
	}
}

// ordered returns all accounts by age, as they are now.
func (st *store) ordered(now time.Time) []*account {
	all := make([]*account, 0, len(st.byID))
	for _, a := range st.byID {
		st.settle(a, now)
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *account) int { return cmp.Compare(a.seq, b.seq) })
	return all
}

// SetStatus has something happen to an account on the vendor's side: its source
// takes the status, unknown ones included, and held gets are answered. It ends a
// pending authentication: OK, CREATION_SUCCESS, RECONNECTED and SYNC_SUCCESS by
// connecting the account; CREATION_FAIL by killing the intent (500
// authentication_intent_error, later 400); DELETED by removing the account; CONNECTING
// not at all; any other status by leaving the account with it. The error is
// [ErrUnknownAccount], [ErrInvalid] for "", or [ErrNoIntent] for CREATION_FAIL on an
// account that is not pending.
func (s *Server) SetStatus(id string, status postpress.Status) error {
	st := s.accounts
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	a := st.find(id, now)
	if a == nil || !a.known && !a.intent.live() {
		return fmt.Errorf("%w: %s", ErrUnknownAccount, id)
	}
	switch status {
	case "":
		return fmt.Errorf("%w: empty status", ErrInvalid)
	case postpress.StatusDeleted:
		st.remove(a, now)
	case postpress.StatusConnecting:
		st.setStatus(a, status, now)
	case postpress.StatusCreationFail:
		if !a.intent.live() {
			return fmt.Errorf("%w: %s is not being linked", ErrNoIntent, id)
		}
		st.endIntent(a, killed(), now)
	default:
		st.arrive(a, status, now)
	}
	return nil
}

// arrive puts an account, pending or not, into a lasting status.
func (st *store) arrive(a *account, status postpress.Status, now time.Time) {
	said := postpress.StatusOK // what has been recorded by connecting
	switch status {
	case postpress.StatusOK, postpress.StatusCreationSuccess, postpress.StatusReconnected, postpress.StatusSyncSuccess:
		if a.intent.live() {
			said = st.connect(a, now)
		}
		a.intent = nil
		st.setStatus(a, postpress.StatusOK, now)
		if status != postpress.StatusOK && status != said {
			st.record(a, status, now)
		}
	default:
		if a.intent != nil {
			a.intent.stopTimers()
			a.intent = nil
		}
		st.accept(a)
		st.setStatus(a, status, now)
		a.wake()
	}
}
