package postpress

import (
	"context"
	"crypto/rand"
	"sync"
	"time"
)

// links are the keys in use of a client's attempts. The zero value is ready for use.
type links struct {
	mu    sync.Mutex
	slots map[string]*linkSlot
}

// linkSlot is a key in use: by an attempt, or by callers who are starting one.
type linkSlot struct {
	req            LinkRequest
	idempotencyKey string        // of the start, whoever of the callers sends it
	turn           chan struct{} // whoever fills it starts
	callers        int           // who are starting; under links.mu

	started chan struct{} // closed when the two below are there
	link    *Link
	err     error
}

// starter begins an attempt; ended is called when its outcome is about to be told.
type starter func(idempotencyKey string, ended func()) (*Link, error)

// startMemory is how long the idempotency key of a start is kept whose caller
// left before its answer: a page that is loaded again shall not make a second account.
const startMemory = 30 * time.Second

// start returns the live attempt with the key, or begins one: of all who come
// at once, one sends the request. Where that one's context ends meanwhile, which is
// no concern of the others, the next repeats it with the same idempotency key, so
// that no second account comes of it. Any other error is for all of them.
func (ls *links) start(ctx context.Context, key string, req LinkRequest, begin starter) (*Link, error) {
	if key == "" {
		return begin(rand.Text(), func() {})
	}
	for {
		slot, dying := ls.join(key, req)
		if dying != nil {
			select { // it cannot be had any more, and its key not yet
			case <-dying.done:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		defer ls.leave(key, slot)
		if !slot.req.same(req) {
			return nil, &ArgumentError{"WithLinkKey", "is that of a live attempt with another LinkRequest"}
		}
		return slot.enter(ctx, func() (*Link, error) {
			return begin(slot.idempotencyKey, func() { ls.free(key, slot) })
		})
	}
}

func (ls *links) join(key string, req LinkRequest) (_ *linkSlot, dying *attempt) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	slot := ls.slots[key]
	switch {
	case slot == nil, slot.idle() && !slot.req.same(req):
		slot = &linkSlot{req: req, idempotencyKey: rand.Text(), turn: make(chan struct{}, 1), started: make(chan struct{})}
		if ls.slots == nil {
			ls.slots = make(map[string]*linkSlot)
		}
		ls.slots[key] = slot
	case slot.hasStarted() && slot.link != nil && slot.link.at.isEnding():
		return nil, slot.link.at
	}
	slot.callers++
	return slot, nil
}

// leave frees the key where the last caller goes and there is no attempt.
func (ls *links) leave(key string, slot *linkSlot) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	slot.callers--
	switch {
	case slot.hasStarted() && slot.err != nil && ls.slots[key] == slot:
		delete(ls.slots, key)
	case slot.idle():
		time.AfterFunc(startMemory, func() { ls.forget(key, slot) })
	}
}

func (ls *links) forget(key string, slot *linkSlot) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if slot.idle() && ls.slots[key] == slot {
		delete(ls.slots, key)
	}
}

// idle is a slot without attempt or callers. Under links.mu.
func (s *linkSlot) idle() bool { return s.callers == 0 && !s.hasStarted() }

func (ls *links) free(key string, slot *linkSlot) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.slots[key] == slot {
		delete(ls.slots, key)
	}
}

func (s *linkSlot) hasStarted() bool {
	select {
	case <-s.started:
		return true
	default:
		return false
	}
}

func (s *linkSlot) enter(ctx context.Context, begin func() (*Link, error)) (*Link, error) {
	select {
	case s.turn <- struct{}{}:
		defer release(s.turn)
	case <-s.started:
		return s.link, s.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !s.hasStarted() {
		link, err := begin()
		if err != nil && ctx.Err() != nil {
			return nil, err
		}
		s.link, s.err = link, err
		close(s.started)
	}
	return s.link, s.err
}
