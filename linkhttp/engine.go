package linkhttp

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/postpress-ai/postpress-go"
)

// engine starts links; link is one of them. They are what this package uses of
// the client, so that tests can do without one.
type engine interface {
	start(ctx context.Context, req postpress.LinkRequest, key, once string) (link, error)
	resume(ctx context.Context, rec postpress.LinkRecord, req postpress.LinkRequest, key string) (link, error)
}

type link interface {
	Steps(ctx context.Context) iter.Seq2[postpress.LinkStep, error]
	Refresh(ctx context.Context) error
	Cancel(ctx context.Context) error
	Detach(ctx context.Context) error
	AccountID() string
	State() postpress.LinkRecord
}

// clientEngine is the engine outside of tests.
type clientEngine struct {
	client  *postpress.Client
	options []postpress.LinkOption
}

func (e clientEngine) with(more ...postpress.LinkOption) []postpress.LinkOption {
	return append(e.options[:len(e.options):len(e.options)], more...)
}

func (e clientEngine) start(ctx context.Context, req postpress.LinkRequest, key, once string) (link, error) {
	l, err := e.client.LinkWhatsApp(ctx, req, e.with(postpress.WithLinkKey(key), postpress.WithLinkStartKey(once))...)
	if err != nil {
		e.discard(ctx, req, err)
		return nil, err // not a nil *Link in an interface
	}
	return l, nil
}

// discard deletes a new account that the API asks something else for than a
// browser can show: nobody has had anything to scan, so it is not linked, and the next
// click makes another one.
func (e clientEngine) discard(ctx context.Context, req postpress.LinkRequest, err error) {
	var start *postpress.StartError
	if req.AccountID != "" || !errors.As(err, &start) || start.Checkpoint == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTimeout)
	defer cancel()
	_ = e.client.DeleteAccount(ctx, start.AccountID) // else SweepUnlinked finds it
}

const discardTimeout = 10 * time.Second

func (e clientEngine) resume(ctx context.Context, rec postpress.LinkRecord, req postpress.LinkRequest, key string) (link, error) {
	l, err := e.client.ResumeLink(ctx, rec, e.with(postpress.WithLinkRequest(req), postpress.WithLinkKey(key))...)
	if err != nil {
		return nil, err
	}
	return l, nil
}
