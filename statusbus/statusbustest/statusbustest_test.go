package statusbustest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/statusbus"
)

func transports(b *broker, timeout time.Duration) Config {
	return Config{
		Transport: func() (statusbus.Transport, func(), error) { return &adapter{b}, nil, nil },
		Break:     b.breakAll,
		Refuse:    b.refuse,
		Timeout:   timeout,
	}
}

func alone(f fault, timeout time.Duration) Config {
	return Config{
		Bus:     func(context.Context) (Bus, error) { return newSimpleBus(f), nil },
		Single:  true,
		Timeout: timeout,
	}
}

func TestAdapterPasses(t *testing.T) {
	Run(t, transports(newBroker(none), 0))
}

func TestAdapterOfSilentBrokerPasses(t *testing.T) {
	b := newBroker(none)
	b.stall = true
	Run(t, transports(b, 0))
}

func TestBusPasses(t *testing.T) {
	Run(t, alone(none, 0))
}

// brokenCase is a fault, the check that has to find it, and what that says.
type brokenCase struct {
	check, says string
	config      Config
}

func brokenCases() []brokenCase {
	return []brokenCase{
		{"Barrier", "right after New", faulty(noBarrier)},
		{"Barrier", "published right after Subscribe", faultyBus(subscribesLate)},
		{"Barrier", "Subscribe(", faultyBus(subscribeFails)},
		{"Barrier", "can not be made", unmade()},
		{"Delivery", "every subscriber of its key", faulty(oneOnly)},
		{"Echo", "published on", faulty(noEcho)},
		{"Keys", `one for "*" woke`, faulty(wildcard)},
		{"Keys", `woke those of [">"]`, faulty(wildcardKeys)},
		{"Keys", `woke those of`, faulty(foldsCase)},
		{"Keys", `any string is a key`, faulty(trims)},
		{"Keys", `any string is a key`, faulty(truncates)},
		{"Keys", `of "", was not woken`, faulty(dropsEmpty)},
		{"Keys", `of "\xff", was not woken`, faulty(mangles)},
		{"Cancel", "which happened while others were woken", faultyBus(wakesOutside)},
		{"Cancel", "leaves the others", faultyBus(cancelsAll)},
		{"Cancel", "after cancel had returned", faultyBus(cancelsNone)},
		{"Cancel", "leaves the others", faultyBus(cancelsTwice)},
		{"Close", "Close wakes every subscriber", faultyBus(closesSilently)},
		{"Close", "want statusbus.ErrClosed", faultyBus(closesNever)},
		{"Close", "Close: no", faultyBus(closeFails)},
		{"Close", "Close has not returned", faultyBus(closeHangs)},
		{"Close", "after Close had returned", faultyBus(wakesClosed)},
		{"Stop", "not called any more", faulty(deliversOn)},
		{"Context", "the beginning only", faulty(keepsContext)},
		{"Context", "want context.Canceled", faultyBus(ignoresEnded)},
		{"Concurrency", "were not woken", faultyBus(busy)},
		{"Many", "among 10,000", faultyBus(small)},
		{"Gap", "once hints arrive again", faulty(noGap)},
		{"Gap", "that follows a lost connection arrives", faulty(gapsEarly)},
		{"Gap", "that follows a lost connection arrives", faulty(deaf)},
		{"Outage", "nobody misses", faulty(gapsAtOnce)},
		{"Broken", "Publish returned nil without", faulty(swallows)},
		{"Broken", "New returned no error", faulty(opensBroken)},
		{"Broken", "Close has not returned", faulty(hangsBroken)},
		{"Broken", "long after its context ended", faulty(ignoresContext)},
		{"Refused", "refused the hint", faulty(swallows)},
	}
}

// TestEveryCheckFails shows that each fault is found, by the check that should.
// Most of it is waiting in vain, so they wait together.
func TestEveryCheckFails(t *testing.T) {
	cases := brokenCases()
	records := make([]*recorder, len(cases))
	var wg sync.WaitGroup
	for i, c := range cases {
		wg.Go(func() { records[i] = record(find(c.check), c.config) })
	}
	wg.Wait()
	found := map[string]bool{"Goroutines": true} // below
	for i, c := range cases {
		t.Run(c.check+"/"+c.says, func(t *testing.T) {
			require.NotEmpty(t, records[i].errors, "nothing was found")
			assert.Contains(t, strings.Join(records[i].errors, "\n"), c.says)
		})
		found[c.check] = true
	}
	for _, c := range checks() {
		assert.True(t, found[c.name], "nothing makes %s fail", c.name)
	}
}

// TestLeakIsFound is alone, since goroutines are counted.
func TestLeakIsFound(t *testing.T) {
	for check, says := range map[string]string{"Goroutines": "10 more", "Broken": "8 more"} {
		t.Run(check, func(t *testing.T) {
			r := record(find(check), faulty(leaks))
			require.Len(t, r.errors, 1)
			assert.Contains(t, r.errors[0], says+" created by github.com/postpress-ai/postpress-go/statusbus/statusbustest.(*adapter).Listen")
		})
	}
}

// soon is how long the checks wait for what does not come.
const soon = 2 * time.Second

func faulty(f fault) Config {
	b := newBroker(f)
	b.stall = f == ignoresContext
	return transports(b, soon)
}

func faultyBus(f fault) Config { return alone(f, soon) }

func unmade() Config {
	return Config{
		Transport: func() (statusbus.Transport, func(), error) { return nil, nil, errors.New("no") },
		Timeout:   soon,
	}
}

func find(name string) check {
	for _, c := range checks() {
		if c.name == name {
			return c
		}
	}
	panic("no check " + name)
}

// recorder takes the place of *testing.T.
type recorder struct {
	mu     sync.Mutex
	errors []string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (*recorder) FailNow() { runtime.Goexit() }

// record runs a check in a goroutine of its own, which FailNow ends.
func record(c check, config Config) *recorder {
	r := new(recorder)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.exec(r, config)
	}()
	<-done
	return r
}

func TestConfig(t *testing.T) {
	_, err := Config{}.withDefaults()
	require.Error(t, err)
	both := transports(newBroker(none), 0)
	both.Bus = alone(none, 0).Bus
	_, err = both.withDefaults()
	require.Error(t, err)

	config, err := alone(none, 0).withDefaults()
	require.NoError(t, err)
	assert.Equal(t, 15*time.Second, config.Timeout)
	for _, c := range checks() {
		assert.Equal(t, c.needs != needsNothing, c.missing(config) != "", c.name)
	}
}

func TestReleaseIsCalledOnce(t *testing.T) {
	var released int
	b := newBroker(none)
	config := Config{Timeout: soon, Transport: func() (statusbus.Transport, func(), error) {
		return &adapter{b}, func() { released++ }, nil
	}}
	e := newEnv(t, config)
	bus := e.bus()
	e.close(bus)
	e.cleanup()
	assert.Equal(t, 1, released)

	b.breakAll()
	_, err := e.open(t.Context())
	require.ErrorIs(t, err, errDown)
	assert.Equal(t, 2, released)
}

// TestChecksAreDocumented keeps the list in the package documentation complete.
func TestChecksAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("statusbustest.go")
	require.NoError(t, err)
	for _, c := range checks() {
		assert.Contains(t, string(doc), "//   - "+c.name+": ")
	}
}

func TestHostileKeysDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for _, key := range hostile() {
		assert.False(t, seen[key], "%q comes twice", key)
		assert.LessOrEqual(t, len(key), 512)
		seen[key] = true
	}
}
