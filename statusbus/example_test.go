package statusbus_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// One process: give the same bus to the client and to the webhook handler.
func ExampleNewMemory() {
	bus := statusbus.NewMemory()
	defer bus.Close()

	again := make(chan struct{}, 1)
	cancel, err := bus.Subscribe("acc_1", func() {
		select {
		case again <- struct{}{}:
		default: // a hint is waiting already
		}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cancel()

	if err := bus.Publish(context.Background(), "acc_1"); err != nil {
		fmt.Println(err)
		return
	}
	<-again
	fmt.Println("look again at acc_1")
	// Output: look again at acc_1
}

// A hint concerns one account; after Close the bus takes no more.
func ExampleHub() {
	bus := statusbus.NewMemory()
	for _, id := range []string{"acc_1", "acc_2"} {
		if _, err := bus.Subscribe(id, func() { fmt.Println("look again at", id) }); err != nil {
			fmt.Println(err)
		}
	}
	_ = bus.Publish(context.Background(), "acc_2")
	_ = bus.Publish(context.Background(), "acc_3") // nobody waits for it

	fmt.Println("closing: everybody has to look")
	_ = bus.Close()
	fmt.Println(bus.Publish(context.Background(), "acc_1"))
	// Unordered output:
	// look again at acc_2
	// closing: everybody has to look
	// look again at acc_1
	// look again at acc_2
	// statusbus: closed
}

// room is a broker: whatever one says, all hear.
type room struct {
	mu   sync.Mutex
	here map[statusbus.Receiver]bool
}

// Publish makes room a Transport. It returns when all have heard.
func (r *room) Publish(_ context.Context, key string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for one := range r.here {
		one.Hint(key)
	}
	return nil
}

// Listen returns when the receiver is in the room, and its stop when it has left.
// A broker that can lose its connection would call Gap after each time.
func (r *room) Listen(_ context.Context, one statusbus.Receiver) (stop func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.here[one] = true
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.here, one)
	}, nil
}

// Two replicas share a broker: the webhook reaches one, somebody waits on the
// other. Package statusbustest tells whether a Transport is right.
func ExampleNew() {
	broker := &room{here: make(map[statusbus.Receiver]bool)}
	ctx := context.Background()
	replica1, err := statusbus.New(ctx, broker)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer replica1.Close()
	replica2, err := statusbus.New(ctx, broker)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer replica2.Close()

	cancel, err := replica2.Subscribe("acc_1", func() { fmt.Println("replica 2 looks again at acc_1") })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cancel()
	fmt.Println(replica1.Publish(ctx, "acc_1"))
	// Output:
	// replica 2 looks again at acc_1
	// <nil>
}
