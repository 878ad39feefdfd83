package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/redis/go-redis/v9"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/linkhttp"
	"github.com/postpress-ai/postpress-go/statusbus"
	"github.com/postpress-ai/postpress-go/statusbus/natsbus"
	"github.com/postpress-ai/postpress-go/statusbus/redisbus"
)

// replicaArg makes the program one replica, which reads its configuration from
// standard input and ends with it: when its parent has gone, so has that.
const replicaArg = "replica"

// replicaConfig is what all replicas have in common: your environment and secrets.
type replicaConfig struct {
	APIURL, APIKey string
	WebhookSecret  string
	Redis, NATS    string // URLs; one of them is set
	LinkSecret     []byte
	Lease          time.Duration
}

func runReplica(ctx context.Context, in io.Reader, out, errs io.Writer) int {
	var cfg replicaConfig
	if err := json.NewDecoder(in).Decode(&cfg); err != nil {
		fmt.Fprintln(errs, "replica: standard input has no configuration; start the program without arguments")
		return exitUsage
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	if err := serve(ctx, cfg, out); err != nil {
		fmt.Fprintln(errs, "replica:", err)
		return exitFailed
	}
	return exitConnected
}

// connect gives the bus, and for Redis the store: five lines each.
func connect(ctx context.Context, cfg replicaConfig) (bus *statusbus.Hub, store linkhttp.Store, done func(), err error) {
	if cfg.Redis != "" {
		opts, err := redis.ParseURL(cfg.Redis)
		if err != nil {
			return nil, nil, nil, errors.New("the URL of Redis cannot be read")
		}
		client := redis.NewClient(opts)
		bus, err := redisbus.New(ctx, client)
		if err != nil {
			_ = client.Close()
			return nil, nil, nil, err
		}
		store, err := redisbus.NewStore(client)
		return bus, store, func() { _ = bus.Close(); _ = client.Close() }, err
	}
	conn, err := nats.Connect(cfg.NATS, natsbus.Resilient())
	if err != nil {
		return nil, nil, nil, err
	}
	bus, err = natsbus.New(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, nil, nil, err
	}
	return bus, nil, func() { _ = bus.Close(); conn.Close() }, nil
}

// serve is the backend: browsers link accounts, and the API sends its webhooks. It
// ends in the opposite order: first nothing new is taken in, the broker goes last.
func serve(ctx context.Context, cfg replicaConfig, out io.Writer) error {
	bus, store, done, err := connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	client, err := postpress.New(cfg.APIKey, postpress.WithBaseURL(cfg.APIURL), postpress.WithStatusBus(bus))
	if err != nil {
		return err
	}
	defer client.Close()
	webhooks, err := newWebhooks(cfg, bus, out)
	if err != nil {
		return err
	}
	links, err := newLinks(cfg, client, store, out)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/postpress", webhooks)
	mux.Handle("/whatsapp/", http.StripPrefix("/whatsapp", links))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	fmt.Fprintln(out, l.Addr()) // the parent waits for it
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(webhooks.Shutdown(ending), links.Shutdown(ending), server.Shutdown(ending))
}

func newWebhooks(cfg replicaConfig, bus statusbus.Bus, out io.Writer) (*postpress.WebhookHandler, error) {
	return postpress.NewWebhookHandler(postpress.WebhookConfig{
		Secrets: []string{cfg.WebhookSecret},
		Bus:     bus, // whoever waits, on whichever replica, is woken before the callback runs
		OnEvent: func(_ context.Context, e *postpress.WebhookEvent) error {
			fmt.Fprintf(out, "webhook: %s says %s; published on the bus\n", e.AccountID, e.Status)
			return nil
		},
	})
}

func newLinks(cfg replicaConfig, client *postpress.Client, store linkhttp.Store, out io.Writer) (*linkhttp.Handler, error) {
	return linkhttp.NewHandler(linkhttp.Config{
		Client: client, Store: store, Secret: cfg.LinkSecret, LeaseTime: cfg.Lease,
		Authorize: func(*http.Request) (string, error) { return "ada", nil }, // your own login
		OnConnected: func(_ context.Context, _ string, a *postpress.Account) error {
			fmt.Fprintf(out, "waiter: was woken, and has read that %s is %s\n", a.ID, a.Status())
			return nil
		},
	})
}
