package natsbus_test

import (
	"context"
	"errors"
	"fmt"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/postpress-ai/postpress-go/statusbus"
	"github.com/postpress-ai/postpress-go/statusbus/natsbus"
)

// startNATS takes the place of your NATS.
func startNATS() *natsserver.Server {
	server, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoSigs: true})
	if err != nil {
		panic(err)
	}
	server.Start()
	return server
}

// replica is what each process of a backend does. The connection is its own: it
// ends the bus first.
func replica(ctx context.Context, url string) (bus *statusbus.Hub, end func(), err error) {
	nc, err := nats.Connect(url, natsbus.Resilient())
	if err != nil {
		return nil, nil, err
	}
	bus, err = natsbus.New(ctx, nc)
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	return bus, func() { _ = bus.Close(); nc.Close() }, nil
}

// Two replicas share a NATS: the webhook reaches one, and somebody waits on the
// other. Give the bus to postpress.WithStatusBus and postpress.WebhookConfig.
func ExampleNew() {
	server := startNATS()
	defer server.Shutdown()
	ctx := context.Background()

	replica1, end1, err := replica(ctx, server.ClientURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end1()
	replica2, end2, err := replica(ctx, server.ClientURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end2()

	again := make(chan struct{}, 1)
	cancel, err := replica2.Subscribe("acc_1", func() {
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

	fmt.Println("replica 1 publishes:", replica1.Publish(ctx, "acc_1"))
	<-again
	fmt.Println("replica 2 looks again at acc_1")
	// Output:
	// replica 1 publishes: <nil>
	// replica 2 looks again at acc_1
}

// Deployments that share a NATS need a subject each.
func ExampleWithSubject() {
	server := startNATS()
	defer server.Shutdown()
	nc, err := nats.Connect(server.ClientURL(), natsbus.Resilient())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nc.Close()

	bus, err := natsbus.New(context.Background(), nc, natsbus.WithSubject("staging.status"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bus.Close()
	fmt.Println(bus.Publish(context.Background(), "acc_1"))
	// Output: <nil>
}

// A connection as nats.go makes it by default gives up after some minutes.
func ExampleResilient() {
	server := startNATS()
	defer server.Shutdown()
	for _, opts := range [][]nats.Option{nil, {natsbus.Resilient()}} {
		nc, err := nats.Connect(server.ClientURL(), opts...)
		if err != nil {
			fmt.Println(err)
			return
		}
		bus, err := natsbus.New(context.Background(), nc)
		fmt.Println(errors.As(err, new(*natsbus.ConfigError)))
		if err == nil {
			bus.Close()
		}
		nc.Close()
	}
	// Output:
	// true
	// false
}

// A connection that would not get its own hints is refused.
func ExampleConfigError() {
	server := startNATS()
	defer server.Shutdown()
	nc, err := nats.Connect(server.ClientURL(), natsbus.Resilient(), nats.NoEcho())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nc.Close()

	_, err = natsbus.New(context.Background(), nc)
	var config *natsbus.ConfigError
	if errors.As(err, &config) {
		fmt.Println(config.Option)
	}
	// Output: nats.NoEcho
}
