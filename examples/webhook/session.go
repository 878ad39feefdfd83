package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
	"github.com/postpress-ai/postpress-go/qr"
	"github.com/postpress-ai/postpress-go/statusbus"
)

// session is one run: a receiver, and an account linked while it listens.
type session struct {
	*program
	settings
	play    func(id string) // the phone; nil where there is a real one
	pending string          // account id, as long as it is not connected
	picture string          // path of the QR code's file, if there is one
}

// serve puts the parts together, and takes them apart in the opposite order.
func (s *session) serve(ctx context.Context) (err error) {
	l, err := s.listen("tcp", s.addr)
	if err != nil {
		return err
	}
	bus := statusbus.NewMemory() // of several replicas: one of a broker
	defer func() { _ = bus.Close() }()
	client, done, err := s.newClient(l.Addr(), postpress.WithStatusBus(bus))
	if err != nil {
		_ = l.Close()
		return err
	}
	defer done()
	r, err := s.newReceiver(client, bus) // the same bus
	if err != nil {
		_ = l.Close()
		return err
	}
	server := r.start(l)
	defer func() {
		if stopped := server.stop(); err == nil {
			err = stopped
		}
		s.out.say("stopped: every webhook that was accepted has been dealt with")
	}()
	s.out.say("listening on %s for webhooks to %s", l.Addr(), r.path)
	return s.link(ctx, client, server)
}

// newClient talks to the API where there is a key, otherwise to a double of it.
func (s *session) newClient(at net.Addr, opts ...postpress.Option) (_ *postpress.Client, done func(), err error) {
	if !s.double {
		client, err := postpress.NewFromEnv(append(opts, postpress.WithApplication("postpress-webhook", postpress.Version))...)
		if err != nil {
			return nil, nil, err
		}
		return client, client.Close, nil
	}
	s.out.say("POSTPRESS_API_KEY is not set: this runs on a double of the API inside the program,")
	s.out.say("which delivers webhooks over loopback and scans the code by itself. Your phone is not involved.")
	s.url, s.secret = "http://"+loopback(at)+"/postpress", postpress.GenerateWebhookSecret()
	// The API may hold a request until the account is connected; this double never
	// does, so that it is the webhook that brings the news.
	double := postpresstest.NewServer(postpresstest.WithHold(0), postpresstest.WithConnectDelay(s.connectDelay))
	var timer *time.Timer
	s.play = func(id string) {
		timer = time.AfterFunc(s.scanAfter, func() {
			s.out.say("phone: takes the code")
			if code, err := double.PairingCode(id); err == nil {
				_ = double.EnterPairingCode(id, code)
				return
			}
			_ = double.Scan(id) // fails only where the double was closed meanwhile
		})
	}
	client := double.Client(opts...)
	return client, func() {
		if timer != nil {
			timer.Stop()
		}
		client.Close()
		double.Close()
	}, nil
}

// loopback is where the double reaches a listener that may be on all addresses.
func loopback(at net.Addr) string {
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	return at.String()
}

// link makes sure that webhooks come before it needs them.
func (s *session) link(ctx context.Context, client *postpress.Client, server *serving) error {
	hook, err := client.EnsureAccountStatusWebhook(ctx, s.url, s.secret)
	if err != nil {
		return err
	}
	s.out.say("webhook %s is in place", hook)
	checkpoint, err := s.start(ctx, client)
	if err != nil {
		return err
	}
	s.pending = checkpoint.AccountID
	if err := s.show(checkpoint); err != nil {
		return err
	}
	defer s.removePicture()
	account, err := s.wait(ctx, client, server)
	if err != nil {
		return err
	}
	s.pending = ""
	if since, any := server.sinceLast(); any {
		s.out.say("waiter: returned %.1f ms after the last webhook came", float64(since.Microseconds())/1000)
	} else {
		s.out.say("waiter: returned before any webhook came")
	}
	s.out.say("connected account %s", account.ID)
	if !s.stay {
		return nil
	}
	s.out.say("receiving until interrupted")
	select {
	case err := <-server.failed:
		server.failed <- err
		return err
	case <-ctx.Done():
		return nil
	}
}

func (s *session) start(ctx context.Context, client *postpress.Client) (*postpress.Checkpoint, error) {
	if s.phone != "" {
		return client.StartWhatsAppPairing(ctx, s.phone)
	}
	return client.StartWhatsAppQR(ctx)
}

// wait returns when the account is connected, or the receiver has failed.
func (s *session) wait(ctx context.Context, client *postpress.Client, server *serving) (*postpress.Account, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case err := <-server.failed:
			server.failed <- err
			cancel(err)
		case <-ctx.Done():
		}
	}()
	var first sync.Once
	return client.WaitForConnection(ctx, s.pending, postpress.WithWaitTimeout(s.timeout),
		postpress.WithProgress(func(p postpress.WaitProgress) {
			s.out.say("waiter: has read %s %s", p.AccountID, p.Status)
			if s.play != nil {
				first.Do(func() { s.play(p.AccountID) })
			}
		}))
}

// show prints a pairing code, and puts a QR code into a file that only its owner
// can read: whoever sees it can link the account. examples/connect draws it in the terminal.
func (s *session) show(c *postpress.Checkpoint) error {
	if c.PairingCode != "" {
		s.out.say("pairing code %s: WhatsApp → Linked devices → Link with phone number instead", string(c.PairingCode))
		return nil
	}
	f, err := os.CreateTemp("", "postpress-*.svg") // mode 0600
	if err != nil {
		return err
	}
	s.picture = f.Name()
	s.out.say("QR code: %s", s.picture)
	if err := qr.SVG(f, string(c.QRCode)); err != nil {
		_ = f.Close()
		return fmt.Errorf("drawing the QR code: %w", err)
	}
	return f.Close()
}

func (s *session) removePicture() {
	if s.picture != "" {
		_ = os.Remove(s.picture)
	}
}
