package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

const (
	webhookPath = "/postpress"
	// lease is short, so that nobody has to wait long for the end of -kill.
	lease = 2 * time.Second
)

var discard = log.New(io.Discard, "", 0)

// session is one run.
type session struct {
	*program
	settings
	broker   string // its name
	double   *postpresstest.Server
	balancer *balancer
	url      string   // of the balancer
	shows    int      // steps with a code, so far
	ends     []func() // what to end, last first
}

func (s *session) run(ctx context.Context) error {
	path, err := s.link(ctx)
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i]()
	}
	if err == nil {
		s.out.say("path", "%s", path) // the last word
	}
	return err
}

// link links an account, and tells the path of the news that it is connected.
func (s *session) link(ctx context.Context) (path string, err error) {
	s.out.say("double", "this runs on a double of the API, which plays the phone too; no key is used")
	// The API may hold a request until the account is connected; this double never
	// does, so that it is the webhook that brings the news.
	s.double = postpresstest.NewServer(append([]postpresstest.Option{
		postpresstest.WithHold(0), postpresstest.WithConnectDelay(s.connectDelay),
	}, s.program.double...)...)
	s.ends = append(s.ends, s.double.Close)
	if err := s.startReplicas(); err != nil {
		return "", err
	}
	account, err := s.browse(ctx)
	if err != nil {
		return "", err
	}
	seen := time.Now()
	s.out.say("browser", "connected account %s", account)
	return s.path(account, seen), nil
}

// startReplicas starts the broker, where there is none, both replicas, and the balancer.
func (s *session) startReplicas() error {
	cfg := replicaConfig{
		APIURL: s.double.URL + "/v1", APIKey: "pp_test_replicas", WebhookSecret: postpress.GenerateWebhookSecret(),
		Redis: s.redis, NATS: s.nats, LinkSecret: []byte(rand.Text() + rand.Text()), Lease: lease,
	}
	s.broker = "NATS"
	switch {
	case s.redis != "":
		s.broker = "Redis"
	case s.nats == "":
		server, err := startNATS()
		if err != nil {
			return err
		}
		s.ends = append(s.ends, func() { server.Shutdown(); server.WaitForShutdown() })
		cfg.NATS = server.ClientURL()
		s.out.say("nats", "inside this program, on %s", server.Addr())
	}
	s.balancer = &balancer{out: s.out, dead: map[*process]bool{}}
	for _, name := range []string{"replica 1", "replica 2"} {
		p, err := startReplica(name, cfg, s.out, s.errs)
		if err != nil {
			return err
		}
		s.ends = append(s.ends, p.stop)
		s.balancer.replicas = append(s.balancer.replicas, p)
	}
	if err := s.serveBalancer(); err != nil {
		return err
	}
	client := s.double.Client()
	defer client.Close()
	_, err := client.EnsureAccountStatusWebhook(context.Background(), s.url+webhookPath, cfg.WebhookSecret)
	return err
}

func startNATS() (*natsserver.Server, error) {
	server, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoSigs: true})
	if err != nil {
		return nil, err
	}
	server.Start()
	if !server.ReadyForConnections(10 * time.Second) {
		server.Shutdown()
		return nil, errors.New("NATS has not started")
	}
	return server, nil
}

func (s *session) serveBalancer() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: s.balancer, ReadHeaderTimeout: 5 * time.Second, ErrorLog: discard}
	go func() { _ = server.Serve(l) }()
	s.ends = append(s.ends, func() { _ = server.Close() })
	s.url = "http://" + l.Addr().String()
	s.out.say("balancer", "listens on %s: browsers go to one replica, webhooks to the other", l.Addr())
	return nil
}

// browse has a browser link an account, while the phone does its part.
func (s *session) browse(ctx context.Context) (account string, err error) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	b := &browser{url: s.url, client: &http.Client{Transport: transport}}
	id, err := b.start(ctx)
	if err != nil {
		return "", err
	}
	return b.watch(ctx, id, func(st step) {
		s.out.say("browser", "shows the step %q", st.State)
		if st.State == postpress.LinkShow {
			s.act()
		}
	})
}

// act is what happens when a code is shown: the replica that waits may be killed, and
// the phone scans, some time later.
func (s *session) act() {
	s.shows++
	id := s.double.Accounts()[0].ID
	if s.kill && s.shows == 1 {
		p := s.balancer.route("/whatsapp/")
		s.out.say("kill", "%s, which waits for %s; its lease ends in %v", p.name, id, lease)
		p.kill()
	}
	if s.shows != s.scanShow {
		return
	}
	timer := time.AfterFunc(s.scanAfter, func() {
		s.out.say("phone", "scans the code")
		_ = s.double.Scan(id) // fails only where the double was closed meanwhile
	})
	s.ends = append(s.ends, func() { timer.Stop() })
}

// path is the one that the news took, and the time from the moment the API sent them.
func (s *session) path(account string, seen time.Time) string {
	for _, d := range s.double.Deliveries() {
		if d.AccountID != account || d.Message != postpress.StatusOK {
			continue
		}
		received, waiter := s.balancer.route(webhookPath), s.balancer.route("/whatsapp/")
		if received == waiter {
			return fmt.Sprintf("API → %s, which has taken the attempt over → browser", waiter.name)
		}
		return fmt.Sprintf("API → %s → %s → %s → browser, in %.1f ms", received.name, s.broker, waiter.name,
			float64(seen.Sub(d.Time).Microseconds())/1000)
	}
	return "the waiter has looked by itself, before the webhook came"
}
