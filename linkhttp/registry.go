package linkhttp

import (
	"net/http"
	"sync"
	"time"
)

const (
	retrySoon   = 2 * time.Second
	retryLater  = 30 * time.Second
	startWindow = 10 * time.Minute
	maxUsers    = 100_000 // remembered for startWindow before the forgotten are looked for
)

// registry has the attempts that this process runs or follows, and their limits.
type registry struct {
	cfg Config

	mu     sync.Mutex
	closed bool
	live   map[string]*attempt    // by slot
	own    int                    // of live, those that this process runs
	byUser map[string]int         // of own
	starts map[string][]time.Time // by user, the latest ones
}

func newRegistry(cfg Config) *registry {
	return &registry{cfg: cfg, live: map[string]*attempt{}, byUser: map[string]int{}, starts: map[string][]time.Time{}}
}

// enter counts a request, unless the handler is being shut down.
func (g *registry) enter(running *sync.WaitGroup) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		running.Add(1)
	}
	return !g.closed
}

// close tells whether it was this call that closed.
func (g *registry) close() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := !g.closed
	g.closed = true
	return first
}

// claim gives the attempt in the slot, or puts a new one there within the limits.
func (g *registry) claim(slot, user string) (a *attempt, joined bool, p *Problem) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a, ok := g.live[slot]; ok {
		return a, true, nil
	}
	now := time.Now()
	if p := g.refuse(user, now); p != nil {
		return nil, false, p
	}
	g.starts[user] = append(g.starts[user], now)
	a = newAttempt(slot, user)
	g.live[slot] = a
	g.count(a, true)
	return a, false, nil
}

func (g *registry) refuse(user string, now time.Time) *Problem {
	recent := g.recent(user, now)
	switch {
	case g.byUser[user] >= g.cfg.MaxPerUser:
		return &Problem{http.StatusTooManyRequests, "too_many", wordsFor("too_many"), retryLater}
	case len(recent) >= g.cfg.MaxStarts:
		return &Problem{http.StatusTooManyRequests, "too_many", wordsFor("too_many"), recent[0].Add(startWindow).Sub(now)}
	case g.own >= g.cfg.MaxTotal:
		return &Problem{http.StatusServiceUnavailable, "busy", wordsFor("busy"), retryLater}
	}
	return nil
}

// recent are the starts of a user that still count.
func (g *registry) recent(user string, now time.Time) []time.Time {
	if len(g.starts) > maxUsers {
		for u, all := range g.starts {
			if now.Sub(all[len(all)-1]) >= startWindow {
				delete(g.starts, u)
			}
		}
	}
	all := g.starts[user]
	for len(all) > 0 && now.Sub(all[0]) >= startWindow {
		all = all[1:]
	}
	if len(all) == 0 {
		delete(g.starts, user)
		return nil
	}
	g.starts[user] = all
	return all
}

// count adds or takes away an attempt from those this process runs.
func (g *registry) count(a *attempt, own bool) {
	switch {
	case own == a.own:
	case own:
		g.own++
		g.byUser[a.user]++
	default:
		g.own--
		if g.byUser[a.user]--; g.byUser[a.user] == 0 {
			delete(g.byUser, a.user)
		}
	}
	a.own = own
}

// owns notes whether this process runs the attempt.
func (g *registry) owns(a *attempt, own bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count(a, own)
}

// find gives the attempt in the slot, touched, so that it does not end before it is used.
func (g *registry) find(slot string) *attempt {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.live[slot]
	if a != nil {
		a.touch()
	}
	return a
}

// add puts a followed attempt into its slot, or gives the one that came first; nil after close.
func (g *registry) add(a *attempt, running *sync.WaitGroup) (_ *attempt, added bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if first, ok := g.live[a.slot]; ok {
		return first, false
	}
	g.live[a.slot] = a
	running.Add(1) // the request that asks is counted, so nobody waits at zero
	return a, true
}

// remove ends an attempt for this process.
func (g *registry) remove(a *attempt) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop(a)
}

func (g *registry) drop(a *attempt) {
	g.count(a, false)
	if g.live[a.slot] == a {
		delete(g.live, a.slot)
		close(a.gone)
	}
}

// removeUnwatched ends an attempt that nobody here has looked at for that long.
func (g *registry) removeUnwatched(a *attempt, after time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a.unwatched() < after {
		return false
	}
	g.drop(a)
	return true
}
