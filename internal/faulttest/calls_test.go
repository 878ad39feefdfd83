package faulttest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/postpress-ai/postpress-go"
)

// call is one way to use the client. It returns nil for a success that is one.
type call struct {
	name string
	run  func(context.Context, *postpress.Client, fault) error
	// once is run instead where a fault strikes only once, on a request of hits.
	once func(context.Context, *postpress.Client, fault) error
	hits func(*http.Request) bool
}

func every(*http.Request) bool       { return true }
func reading(req *http.Request) bool { return req.Method == http.MethodGet }
func succeeded(ok bool, what string) error {
	if !ok {
		return errors.New("faulttest: a success without " + what)
	}
	return nil
}

var calls = []call{
	{name: "GetAccount", run: getAccount, once: getAccount, hits: every},
	{name: "ConnectAccount", run: connectAccount, once: connectAccount, hits: every},
	{name: "StartWhatsAppQR", run: startQR, once: startQR, hits: every},
	{name: "LinkWhatsApp", run: startLink, once: linkThrough, hits: reading},
	{name: "WaitForConnection", run: waitInVain, once: waitThrough, hits: every},
}

func getAccount(ctx context.Context, c *postpress.Client, _ fault) error {
	a, err := c.GetAccount(ctx, account)
	if err != nil {
		return err
	}
	return succeeded(a.ID != "", "the id")
}

func connectAccount(ctx context.Context, c *postpress.Client, _ fault) error {
	res, err := c.ConnectAccount(ctx, postpress.ConnectRequest{Provider: postpress.ProviderWhatsApp, PairingPhoneNumber: phone})
	if err != nil {
		return err
	}
	return succeeded(res.AccountID != "", "the id")
}

func startQR(ctx context.Context, c *postpress.Client, _ fault) error {
	cp, err := c.StartWhatsAppQR(ctx)
	if err != nil {
		return err
	}
	return succeeded(cp.AccountID != "" && cp.QRCode != "", "the QR code")
}

func startLink(ctx context.Context, c *postpress.Client, _ fault) error {
	link, err := c.LinkWhatsApp(ctx, postpress.LinkRequest{})
	if err != nil {
		return err
	}
	return link.Detach(ctx) // it was the start that was of interest
}

func linkThrough(ctx context.Context, c *postpress.Client, _ fault) error {
	link, err := c.LinkWhatsApp(ctx, postpress.LinkRequest{})
	if err != nil {
		return err
	}
	_, err = link.Wait(ctx)
	return err
}

func waitThrough(ctx context.Context, c *postpress.Client, f fault) error {
	a, err := c.WaitForConnection(ctx, account, waitOptions(f, func(postpress.WaitProgress) {})...)
	if err != nil {
		return err
	}
	return succeeded(a.ID != "" && a.Connected(), "a connected account")
}

// waitInVain waits until it has looked often enough, and then its deadline has come.
func waitInVain(ctx context.Context, c *postpress.Client, f fault) error {
	late := &deadline{Context: ctx, done: make(chan struct{})}
	_, err := c.WaitForConnection(late, account, waitOptions(f, func(p postpress.WaitProgress) {
		if p.Polls >= f.enoughLooks() {
			late.come()
		}
	})...)
	return err
}

func waitOptions(f fault, progress func(postpress.WaitProgress)) []postpress.WaitOption {
	opts := []postpress.WaitOption{
		postpress.WithPollInterval(10*time.Millisecond, 20*time.Millisecond), postpress.WithProgress(progress),
	}
	if f.stalls {
		opts = append(opts, postpress.WithPollTimeout(stallTimeout))
	}
	return opts
}

// deadline is a context whose deadline comes when it is told to, so that no
// machine is too slow for it.
type deadline struct {
	context.Context
	once sync.Once
	done chan struct{}
}

func (d *deadline) come() { d.once.Do(func() { close(d.done) }) }

func (d *deadline) Deadline() (time.Time, bool) { return time.Now().Add(hangs), true }
func (d *deadline) Done() <-chan struct{}       { return d.done }
func (d *deadline) Err() error {
	select {
	case <-d.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
