package statusbustest

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// env is what one check works with: it opens buses, waits with bounds, and
// cleans up. Its methods end the check when something fails.
type env struct {
	tester
	config  Config
	prefix  string // makes keys unique, since a broker outlives a test
	serial  int
	cleaned []func() // called in reverse order
}

func newEnv(t tester, config Config) *env {
	return &env{tester: t, config: config, prefix: rand.Text()[:8]}
}

func (e *env) fatalf(format string, args ...any) {
	e.Helper()
	e.Errorf(format, args...)
	e.FailNow()
}

func (e *env) onCleanup(f func()) { e.cleaned = append(e.cleaned, f) }

// cleanup goes on when one of the steps ends the check.
func (e *env) cleanup() {
	for _, f := range e.cleaned {
		defer f()
	}
}

// key returns a key that nobody has used.
func (e *env) key() string {
	e.serial++
	return fmt.Sprintf("%s-%d", e.prefix, e.serial)
}

// patience returns a context that ends when waiting is over.
func (e *env) patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), e.config.Timeout)
}

// open makes a bus; it may fail.
func (e *env) open(ctx context.Context) (Bus, error) {
	if e.config.Bus != nil {
		return e.config.Bus(ctx)
	}
	tr, release, err := e.config.Transport()
	if err != nil {
		return nil, err
	}
	if release == nil {
		release = func() {}
	}
	b := &hubBus{release: sync.OnceFunc(release)}
	b.Hub, err = statusbus.New(ctx, &spy{Transport: tr, bus: b})
	if err != nil {
		release()
		return nil, err
	}
	return b, nil
}

// bus opens one that is closed at the end.
func (e *env) bus() Bus {
	e.Helper()
	ctx, cancel := e.patience()
	defer cancel()
	b, err := e.open(ctx)
	if err != nil {
		e.fatalf("a bus can not be made: %v", err)
	}
	e.onCleanup(func() { e.close(b) })
	return b
}

// buses opens n of them, or one where there can be no other.
func (e *env) buses(n int) []Bus {
	e.Helper()
	if e.config.Single {
		n = 1
	}
	all := make([]Bus, n)
	for i := range all {
		all[i] = e.bus()
	}
	return all
}

func (e *env) close(b Bus) {
	e.Helper()
	if err := e.within("Close", b.Close); err != nil {
		e.Errorf("Close: %v", err)
	}
}

// publish sends a hint that has to be accepted.
func (e *env) publish(b Bus, key string) {
	e.Helper()
	ctx, cancel := e.patience()
	defer cancel()
	if err := b.Publish(ctx, key); err != nil {
		e.fatalf("Publish(%q): %v", key, err)
	}
}

// publishAgain tries until a hint is accepted, as whoever has news does while
// the broker is away.
func (e *env) publishAgain(b Bus, key string) {
	e.Helper()
	if err := e.insist(b, key); err != nil {
		e.fatalf("Publish(%q) fails long after the connection came back: %v", key, err)
	}
}

func (e *env) insist(b Bus, key string) error {
	ctx, cancel := e.patience()
	defer cancel()
	for {
		err := b.Publish(ctx, key)
		if err == nil || pause(ctx) != nil {
			return err
		}
	}
}

// pause paces a loop that tries again.
func pause(ctx context.Context) error {
	t := time.NewTimer(5 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// within calls what may hang, and ends the check when it does.
func (e *env) within(what string, f func() error) error {
	e.Helper()
	return e.bounded(e.config.Timeout, what, f)
}

// wait waits for goroutines that have bounds of their own, one after the other.
func (e *env) wait(what string, wg *sync.WaitGroup) {
	e.Helper()
	_ = e.bounded(4*e.config.Timeout, what, func() error { wg.Wait(); return nil })
}

func (e *env) bounded(limit time.Duration, what string, f func() error) error {
	e.Helper()
	returned := make(chan error, 1)
	go func() { returned <- f() }()
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case err := <-returned:
		return err
	case <-t.C:
		e.fatalf("%s has not returned after %v", what, limit)
		return nil
	}
}

// breakConnection calls Config.Break; the connection is restored at the end at the latest.
func (e *env) breakConnection() (restore func()) {
	restore = sync.OnceFunc(e.config.Break())
	e.onCleanup(restore)
	return restore
}

// brief is the context of calls that can not succeed.
func brief() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 250*time.Millisecond)
}

// tryBriefly publishes while that can not succeed. With that, an adapter also
// had the time to notice that the connection is lost.
func (e *env) tryBriefly(b Bus, key string) error {
	e.Helper()
	ctx, cancel := brief()
	defer cancel()
	return e.within("Publish, long after its context ended,", func() error { return b.Publish(ctx, key) })
}
