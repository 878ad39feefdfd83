package redisbus_test

import (
	"context"
	"net/http"

	"github.com/redis/go-redis/v9"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/linkhttp"
	"github.com/postpress-ai/postpress-go/statusbus/redisbus"
)

// The fragments of the section "More than one replica" of README.md, which the core
// module cannot compile; see its readme_test.go. They are compiled only: their client
// talks to the API.
var _ = readmeReplica

func readmeReplica(ctx context.Context, mux *http.ServeMux, addr, secret string, linkSecret []byte, authorize func(*http.Request) (string, error)) error {
	broker := redis.NewClient(&redis.Options{Addr: addr})
	bus, err := redisbus.New(ctx, broker)
	if err != nil {
		return err
	}
	client, err := postpress.NewFromEnv(postpress.WithStatusBus(bus)) // whoever waits is woken
	if err != nil {
		return err
	}
	webhooks, err := postpress.NewWebhookHandler(postpress.WebhookConfig{Secrets: []string{secret}, Bus: bus}) // by this
	if err != nil {
		return err
	}

	store, err := redisbus.NewStore(broker)
	if err != nil {
		return err
	}
	links, err := linkhttp.NewHandler(linkhttp.Config{
		Client: client, Authorize: authorize, Store: store, Secret: linkSecret, // 32 random bytes, the same on all replicas
	})
	if err != nil {
		return err
	}
	mux.Handle("/postpress", webhooks)
	mux.Handle("/whatsapp/", http.StripPrefix("/whatsapp", links))
	return nil
}
