package linkhttp

import (
	"context"
	"errors"
	"time"

	"github.com/postpress-ai/postpress-go"
)

const (
	storeTimeout = 2 * time.Second
	// keepLive is longer than an attempt lasts by default: a record must not be
	// forgotten before. It is counted from the last save.
	keepLive = 15 * time.Minute
	// keepOutcome is how long a reload still shows how it ended.
	keepOutcome = 5 * time.Minute
)

// errTaken says that another replica runs the attempt now.
var errTaken = errors.New("linkhttp: another replica has taken the attempt over")

// lease is what this process holds, or would like to, of an attempt in the store.
// One goroutine at a time uses it.
type lease struct {
	store  Store
	sealer sealer
	slot   string
	owner  string // the name of this Handler
	rec    record
	value  []byte // what rec was read from or written as; nil where there was none
}

// note puts the state of the link into rec. One that has ended cannot be resumed,
// so it waits for its outcome: whoever resumes the state before will find that too.
func (l *lease) note(state postpress.LinkRecord) {
	if !state.Ended || l.rec.ended() {
		l.rec.Link = &state
	}
}

// load reads the record; ok is false where there is none that can be read. What
// cannot was written under another Secret, and may be overwritten.
func (l *lease) load(ctx context.Context) (ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	value, err := l.store.Load(ctx, l.slot)
	if err != nil {
		return false, err
	}
	l.value = value
	if value == nil {
		return false, nil
	}
	rec, err := l.sealer.open(l.slot, value)
	if err != nil {
		return false, nil
	}
	l.rec = *rec
	return true, nil
}

// write replaces what was read by rec, unless it has changed since.
func (l *lease) write(ctx context.Context) (bool, error) {
	value, err := l.sealer.seal(l.slot, &l.rec)
	if err != nil {
		return false, err
	}
	keep := keepLive
	if l.rec.ended() {
		keep = keepOutcome
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	swapped, err := l.store.Swap(ctx, l.slot, l.value, value, keep)
	if err == nil && swapped {
		l.value = value
	}
	return swapped, err
}

// take makes rec ours, as it is otherwise.
func (l *lease) take(ctx context.Context) (bool, error) {
	l.rec.Owner = l.owner
	l.rec.Beat++
	return l.write(ctx)
}

// save writes rec as its owner. Others change nothing but the asks; if they have,
// or if it is not known what became of the save before, it is tried again on top of
// that. A store that cannot be reached takes nothing away from the owner.
func (l *lease) save(ctx context.Context) error {
	l.rec.Beat++
	for range 5 {
		swapped, err := l.write(ctx)
		if err != nil || swapped {
			return err
		}
		mine := l.rec
		ok, err := l.load(ctx)
		switch {
		case err != nil:
			l.rec = mine
			return err
		case ok && (l.rec.Nonce != mine.Nonce || l.rec.Owner != l.owner):
			return errTaken
		case ok:
			mine.Asks = l.rec.Asks
		}
		l.rec = mine
	}
	return errors.New("linkhttp: the record changes faster than it can be saved")
}

// giveBack saves rec for whoever comes next.
func (l *lease) giveBack(ctx context.Context) error {
	if err := l.save(ctx); err != nil {
		return err
	}
	l.rec.Owner = ""
	_, err := l.write(ctx) // refused where something was asked this very moment; then the lease runs out
	return err
}
