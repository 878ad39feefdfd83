package linkhttp

import (
	"context"
	"iter"

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
		return nil, err // not a nil *Link in an interface
	}
	return l, nil
}

func (e clientEngine) resume(ctx context.Context, rec postpress.LinkRecord, req postpress.LinkRequest, key string) (link, error) {
	l, err := e.client.ResumeLink(ctx, rec, e.with(postpress.WithLinkRequest(req), postpress.WithLinkKey(key))...)
	if err != nil {
		return nil, err
	}
	return l, nil
}
