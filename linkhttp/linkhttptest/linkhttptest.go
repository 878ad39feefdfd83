// Package linkhttptest tells whether a linkhttp.Store keeps its promises:
//
//	func TestStore(t *testing.T) {
//		linkhttptest.TestStore(t, func() linkhttp.Store { return yours.NewStore(client) })
//	}
package linkhttptest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postpress-ai/postpress-go/linkhttp"
)

// TestStore runs every check as a subtest. open is called twice for each and gives
// stores of the same data, as two replicas have; keys are new each time. One check
// waits for a value to be forgotten, which takes a little more than a second.
func TestStore(t *testing.T, open func() linkhttp.Store) {
	for name, check := range map[string]func(*testing.T, linkhttp.Store, linkhttp.Store){
		"Empty": empty, "Swap": swap, "Refused": refused, "Forgotten": forgotten, "Atomic": atomicSwaps, "Context": ended,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(), open()) })
	}
}

func newKey() string { return rand.Text()[:22] }

func mustSwap(t *testing.T, s linkhttp.Store, key string, old, new []byte, want bool) {
	t.Helper()
	swapped, err := s.Swap(t.Context(), key, old, new, time.Minute)
	if err != nil || swapped != want {
		t.Fatalf("Swap(%q → %q) = %v, %v; want %v", old, new, swapped, err, want)
	}
}

func mustLoad(t *testing.T, s linkhttp.Store, key string, want []byte) {
	t.Helper()
	got, err := s.Load(t.Context(), key)
	if err != nil || !bytes.Equal(got, want) || (got == nil) != (want == nil) {
		t.Fatalf("Load = %q, %v; want %q", got, err, want)
	}
}

func empty(t *testing.T, a, _ linkhttp.Store) { mustLoad(t, a, newKey(), nil) }

// swap uses every byte there is: values are encrypted.
func swap(t *testing.T, a, b linkhttp.Store) {
	key, first, second := newKey(), make([]byte, 256), []byte("second\x00")
	for i := range first {
		first[i] = byte(i)
	}
	mustSwap(t, a, key, nil, first, true)
	mustLoad(t, b, key, first)
	mustSwap(t, b, key, first, second, true)
	mustLoad(t, a, key, second)
	mustLoad(t, a, newKey(), nil)
}

func refused(t *testing.T, a, b linkhttp.Store) {
	key, value := newKey(), []byte("value")
	mustSwap(t, a, key, []byte("never there"), value, false)
	mustLoad(t, b, key, nil)
	mustSwap(t, a, key, nil, value, true)
	mustSwap(t, b, key, nil, []byte("other"), false)
	mustSwap(t, b, key, []byte("valu"), []byte("other"), false)
	mustLoad(t, a, key, value)
}

func forgotten(t *testing.T, a, b linkhttp.Store) {
	key, value := newKey(), []byte("value")
	for range 2 { // the second time it must be as if it had never been there
		if swapped, err := a.Swap(t.Context(), key, nil, value, time.Second); err != nil || !swapped {
			t.Fatalf("Swap = %v, %v", swapped, err)
		}
		mustLoad(t, b, key, value)
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			got, err := b.Load(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if got == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("not forgotten ten seconds after the one it was to be kept")
			}
		}
	}
}

// atomicSwaps has many replace the same value: exactly one wins each round.
func atomicSwaps(t *testing.T, a, b linkhttp.Store) {
	const rounds, racers = 20, 16
	key := newKey()
	var old []byte
	for round := range rounds {
		var winners atomic.Int32
		var won atomic.Value
		var wg sync.WaitGroup
		for i := range racers {
			wg.Go(func() {
				s, mine := a, fmt.Appendf(nil, "round %d racer %d", round, i)
				if i%2 == 1 {
					s = b
				}
				swapped, err := s.Swap(t.Context(), key, old, mine, time.Minute)
				if err != nil {
					t.Error(err)
				}
				if swapped {
					winners.Add(1)
					won.Store(mine)
				}
			})
		}
		wg.Wait()
		if n := winners.Load(); n != 1 {
			t.Fatalf("%d of %d racers swapped the same value; want 1", n, racers)
		}
		old = won.Load().([]byte)
		mustLoad(t, a, key, old)
	}
}

func ended(t *testing.T, a, _ linkhttp.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Load(ctx, newKey()); err == nil {
		t.Error("Load with a context that has ended gives no error")
	}
	if _, err := a.Swap(ctx, newKey(), nil, []byte("v"), time.Minute); err == nil {
		t.Error("Swap with a context that has ended gives no error")
	}
}
