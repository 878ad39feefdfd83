package statusbustest

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// line is the connection on which an adapter listens.
type line struct {
	adapter *adapter
	r       statusbus.Receiver
	news    chan struct{}
	lost    chan struct{}

	mu    sync.Mutex
	queue []string
}

func (l *line) put(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, key)
	signal(l.news)
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = nil
	signal(l.lost)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take removes any hint, and sometimes leaves it to come once more.
func (l *line) take() (key string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return "", false
	}
	i, last := rand.IntN(len(l.queue)), len(l.queue)-1
	key = l.queue[i]
	if rand.IntN(4) > 0 {
		l.queue[i] = l.queue[last]
		l.queue = l.queue[:last]
	}
	return key, true
}

func (l *line) run(stop <-chan struct{}) {
	b := l.adapter.broker
	defer l.end()
	if b.fault == noBarrier && (l.pause(stop, 20*time.Millisecond) || !b.connect(l)) {
		return
	}
	for {
		select {
		case <-stop:
			return
		case <-l.lost:
			if !l.reconnect(stop) {
				return
			}
		case <-l.news:
			for key, ok := l.take(); ok; key, ok = l.take() {
				if rand.IntN(16) == 0 && l.pause(stop, time.Duration(rand.IntN(300))*time.Microsecond) {
					return
				}
				b.deliver(l.r, key)
			}
		}
	}
}

// end leaves the broker, or not, if that is the fault.
func (l *line) end() {
	b := l.adapter.broker
	if b.fault == deliversOn {
		for range 20 {
			l.pause(nil, 2*time.Millisecond)
			for key, ok := l.take(); ok; key, ok = l.take() {
				l.r.Hint(key)
			}
		}
	}
	b.disconnect(l)
}

// pause says whether stop came first.
func (l *line) pause(stop <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return false
	case <-stop:
		return true
	}
}

// reconnect says whether the line is on the broker again.
func (l *line) reconnect(stop <-chan struct{}) bool {
	b := l.adapter.broker
	away := time.Duration(rand.IntN(5)) * time.Millisecond
	if b.fault == gapsAtOnce {
		l.r.Gap()
		away = 30 * time.Millisecond
	}
	for connected := false; !connected; {
		select {
		case <-b.reachable():
		case <-stop:
			return false
		}
		if b.fault == gapsEarly {
			l.r.Gap()
			if l.pause(stop, 30*time.Millisecond) {
				return false
			}
		}
		if l.pause(stop, away) {
			return false
		}
		connected = b.fault == deaf || b.connect(l)
	}
	if b.fault != noGap && b.fault != gapsEarly && b.fault != gapsAtOnce {
		l.r.Gap()
	}
	return true
}
