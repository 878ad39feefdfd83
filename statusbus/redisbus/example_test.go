package redisbus_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/postpress-ai/postpress-go/statusbus"
	"github.com/postpress-ai/postpress-go/statusbus/redisbus"
)

// replica is what each process of a backend does. The client is its own: it ends
// the bus first.
func replica(ctx context.Context, addr string) (bus *statusbus.Hub, end func(), err error) {
	client := redis.NewClient(&redis.Options{Addr: addr})
	bus, err = redisbus.New(ctx, client)
	if err != nil {
		_ = client.Close()
		return nil, nil, err
	}
	return bus, func() { _ = bus.Close(); _ = client.Close() }, nil
}

// Two replicas share a Redis: the webhook reaches one, and somebody waits on the
// other. Give the bus to postpress.WithStatusBus and postpress.WebhookConfig.
func ExampleNew() {
	server, err := miniredis.Run() // takes the place of your Redis
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	ctx := context.Background()

	replica1, end1, err := replica(ctx, server.Addr())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end1()
	replica2, end2, err := replica(ctx, server.Addr())
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

// Deployments that share a Redis need a channel each.
func ExampleWithChannel() {
	server, err := miniredis.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()

	bus, err := redisbus.New(context.Background(), client, redisbus.WithChannel("staging.status"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bus.Close()
	fmt.Println(server.PubSubChannels("*"))
	// Output: [staging.status]
}

// A client that would wait for ever on a dead connection is refused.
func ExampleConfigError() {
	client := redis.NewClient(&redis.Options{ReadTimeout: -1})
	defer client.Close()

	_, err := redisbus.New(context.Background(), client)
	var config *redisbus.ConfigError
	if errors.As(err, &config) {
		fmt.Println(config.Option)
	}
	// Output: redis.Options.ReadTimeout
}
