package statusbustest

import (
	"fmt"
	"strings"
)

func barrier(e *env) {
	from := e.bus()
	for range 25 {
		b := e.bus()
		p := e.probe(b, e.key())
		e.publish(e.publisher(from, b), p.key)
		e.await("a hint published right after New and Subscribe returned arrives", p)
		e.close(b)
	}
	b := e.bus()
	for range 200 {
		p := e.probe(b, e.key())
		e.publish(e.publisher(from, b), p.key)
		e.await("a hint published right after Subscribe returned arrives", p)
		p.cancel()
	}
}

// publisher returns the bus to publish on for b to hear it.
func (e *env) publisher(from, b Bus) Bus {
	if e.config.Single {
		return b
	}
	return from
}

func delivery(e *env) {
	buses := e.buses(3)
	key := e.key()
	var all []*probe
	for range 3 {
		all = append(all, e.probes(buses, key)...)
	}
	for round := range 10 {
		from := round % len(buses)
		for _, p := range all {
			p.reset()
		}
		e.publish(buses[from], key)
		e.await(fmt.Sprintf("a hint published on bus %d of %d reaches every subscriber of its key on every bus", from+1, len(buses)), all...)
	}
}

func echo(e *env) {
	for _, b := range e.buses(2) {
		p := e.probe(b, e.key())
		e.publish(b, p.key)
		e.await("a hint reaches the subscribers of the bus it was published on", p)
	}
}

// hostile returns keys that brokers, encodings and patterns take for something else.
func hostile() []string {
	long := strings.Repeat("k", 511)
	return []string{
		"", " ", "*", ">", "#", "?", "+", "{}", "[a-z]", "%", "%2A", "$", "\\", "\"", "'", "/", "..", "_", "-", "=",
		"a", "A", " a", "a ", "a b", "a\tb", "a\nb", "a\r\nb", "a\x00", "a\x00b", "\x00", "a.b", "a.*", "a.>", "a:b", "a/b", "a+b", "a,b",
		".", "a.", ".a", "é", "e\u0301", "É", "ß", "ss", "日本語", "🙂", "\u200b", "\ufffd", "\xff", "\xfe",
		"Kg", "KQ", "null", "0", "00", long + "1", long + "2", long,
	}
}

func keys(e *env) {
	buses := e.buses(2)
	subscribed := make(map[string][]*probe)
	for _, key := range hostile() {
		subscribed[key] = e.probes(buses, key)
	}
	for i, key := range hostile() {
		e.alone(buses, buses[i%len(buses)], key, subscribed)
	}
}

// alone publishes key and looks who is woken. A hint may come twice, late or
// for nothing, so only a stranger that is woken each time is a failure.
func (e *env) alone(buses []Bus, from Bus, key string, subscribed map[string][]*probe) {
	e.Helper()
	var woken []string
	for range 3 {
		for _, probes := range subscribed {
			for _, p := range probes {
				p.reset()
			}
		}
		e.publish(from, key)
		e.await("any string is a key", subscribed[key]...)
		e.fence(buses)
		if woken = strangers(key, subscribed); len(woken) == 0 {
			return
		}
	}
	e.Errorf("a hint wakes nobody but the subscribers of its key: one for %q woke those of %.200q", key, woken)
}

func strangers(key string, subscribed map[string][]*probe) []string {
	var woken []string
	for other, probes := range subscribed {
		for _, p := range probes {
			if other != key && p.woken.Load() > 0 {
				woken = append(woken, other)
				break
			}
		}
	}
	return woken
}
