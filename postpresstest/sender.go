package postpresstest

import (
	"cmp"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	postpress "github.com/postpress-ai/postpress-go"
)

// sender delivers webhooks. Its mutex is taken by those who hold the store's or the
// webhookStore's, never the other way round.
type sender struct {
	cfg      *config
	timers   *timers
	webhooks *webhookStore
	routes   routesOut
	inFlight sync.WaitGroup // of lanes; what is loose runs in timers

	mu     sync.Mutex
	closed bool
	events int
	lanes  map[string]*lane
	log    []*Delivery
	open   int
	idle   chan struct{} // closed when open falls to 0; nil while it is
}

// lane sends what is for one webhook, one after the other.
type lane struct {
	waiting []*shipment // by due and then by event
	busy    bool
	stop    func() // of the timer for the first that waits
}

func newSender(cfg *config, t *timers, ws *webhookStore) *sender {
	return &sender{cfg: cfg, timers: t, webhooks: ws, routes: newRoutesOut(&cfg.webhooks), lanes: map[string]*lane{}}
}

// changed sends an account change to every webhook that wants it. The store calls it
// with its lock held, so the order of changes is the order of events.
func (d *sender) changed(c change) {
	for _, w := range d.webhooks.wanting(c) {
		u, _ := url.Parse(w.RequestURL) // has been checked
		d.ship(shipment{
			webhookID: w.id, url: u, header: listedHeader(w.Headers), body: w.body(c, d.cfg.webhooks.form),
			accountID: c.accountID, message: c.message,
		})
	}
}

// notify tells the notify_url of a hosted link how it went.
func (d *sender) notify(target, accountID, name string, status postpress.Status) {
	u, _ := url.Parse(target) // has been checked
	p := payload{{"status", string(status)}, {"account_id", accountID}, {"name", name}}
	d.ship(shipment{url: u, header: http.Header{}, body: []byte(p.json()), accountID: accountID, message: status})
}

// ship puts a new event on its way, and perhaps its duplicate.
func (d *sender) ship(s shipment) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events++
	s.event = d.events
	s.rnd = d.fateOf(s.event, streamDeliveries)
	late, again := d.cfg.webhooks.chaos.eventFate(s.rnd)
	copied := s
	s.delayed = late > 0
	d.dispatch(&s, late)
	if again > 0 {
		copied.duplicate = true
		copied.rnd = d.fateOf(s.event, streamDuplicates)
		d.dispatch(&copied, again)
	}
}

func (d *sender) fateOf(event int, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(d.cfg.seed), uint64(event)<<8|stream))
}

// dispatch counts a shipment and schedules its first attempt. It needs mu.
func (d *sender) dispatch(s *shipment, wait time.Duration) {
	if d.closed {
		return
	}
	d.opened()
	d.schedule(s, wait)
}

// schedule needs mu.
func (d *sender) schedule(s *shipment, wait time.Duration) {
	s.due = time.Now().Add(wait)
	if s.loose() {
		d.timers.after(wait, func() { d.send(s) })
		return
	}
	key := cmp.Or(s.webhookID, s.url.String())
	l := d.lanes[key]
	if l == nil {
		l = &lane{}
		d.lanes[key] = l
	}
	i, _ := slices.BinarySearchFunc(l.waiting, s, func(a, b *shipment) int {
		return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.event, b.event))
	})
	l.waiting = slices.Insert(l.waiting, i, s)
	d.start(l)
}

// start sees to it that what waits in a lane will be sent. It needs mu.
func (d *sender) start(l *lane) {
	if l.busy || d.closed || len(l.waiting) == 0 {
		return
	}
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
	if wait := time.Until(l.waiting[0].due); wait > 0 {
		l.stop = d.timers.after(wait, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.start(l)
		})
		return
	}
	l.busy = true
	d.inFlight.Go(func() {
		for s := d.next(l); s != nil; s = d.next(l) {
			d.send(s)
		}
	})
}

// next takes the first shipment that is due out of its lane, which rests without one.
func (d *sender) next(l *lane) *shipment {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(l.waiting) == 0 || l.waiting[0].due.After(time.Now()) {
		l.busy = false
		d.start(l)
		return nil
	}
	s := l.waiting[0]
	l.waiting[0], l.waiting = nil, l.waiting[1:]
	return s
}

// stop begins nothing new from now on; what has not been sent never is.
func (d *sender) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.open > 0 {
		d.open = 1
		d.ended()
	}
}

// close waits for the attempts under way. stop and the end of all timers come first.
func (d *sender) close() {
	d.inFlight.Wait()
	d.routes.close()
}
