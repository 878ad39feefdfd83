package postpresstest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	postpress "github.com/postpress-ai/postpress-go"
)

// shipment is an event on its way to one receiver. It is used by one goroutine at a
// time, the one that sends it.
type shipment struct {
	event     int
	webhookID string
	url       *url.URL
	header    http.Header
	body      []byte
	accountID string
	message   postpress.Status

	// rnd decides its fate. Each shipment has its own, so that what happens to one
	// does not depend on which of them is faster.
	rnd       *rand.Rand
	duplicate bool
	delayed   bool

	due     time.Time // of the next attempt
	attempt int
	last    *Delivery // guarded by the sender
}

// loose says that it is sent whenever it is due, even while the lane of its webhook
// is busy with another.
func (s *shipment) loose() bool { return s.duplicate || s.delayed }

// request is a new request for each attempt, with none but the headers listed: not
// even the User-Agent that net/http would add.
func (s *shipment) request(ctx context.Context, fault DeliveryFault) *http.Request {
	h := s.header.Clone()
	if _, listed := h["User-Agent"]; !listed {
		h["User-Agent"] = nil
	}
	open := func() (io.ReadCloser, error) {
		if fault == DeliveryCutBody {
			return io.NopCloser(io.MultiReader(bytes.NewReader(s.half()), broken{})), nil
		}
		return io.NopCloser(bytes.NewReader(s.body)), nil
	}
	r := &http.Request{
		Method: http.MethodPost, URL: s.url, Host: s.url.Host, Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(s.body)), GetBody: open,
	}
	r.Body, _ = open()
	return r.WithContext(ctx)
}

func (s *shipment) half() []byte { return s.body[:len(s.body)/2] }

// broken is where the rest of a body does not come from: the transport then breaks
// the connection. It has sent the first half, since it keeps in its buffer only
// bodies that it knows to be in memory whole.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroke }

var errBroke = errors.New("the connection broke within the body")

func listedHeader(listed []webhookHeader) http.Header {
	h := http.Header{}
	for _, l := range listed {
		h.Add(l.Key, l.Value)
	}
	return h
}

// attemptFate draws what happens to an attempt. It draws the same number of times
// whatever the shares are, so that one share does not move what another hits.
func (c *WebhookChaos) attemptFate(rnd *rand.Rand) DeliveryFault {
	u := rnd.Float64()
	for _, f := range []struct {
		share float64
		fault DeliveryFault
	}{
		{c.LostRequests, DeliveryLostRequest}, {c.LostAnswers, DeliveryLostAnswer}, {c.CutBodies, DeliveryCutBody},
	} {
		if u < f.share {
			return f.fault
		}
		u -= max(f.share, 0)
	}
	return ""
}

// eventFate draws whether an event is late and whether it comes twice.
func (c *WebhookChaos) eventFate(rnd *rand.Rand) (late, again time.Duration) {
	longest := c.MaxDelay
	if longest <= 0 {
		longest = 10 * time.Second
	}
	draw := func(share float64) time.Duration {
		hit, wait := rnd.Float64() < share, time.Duration(1+rnd.Int64N(int64(longest)))
		if !hit {
			return 0
		}
		return wait
	}
	return draw(c.Delayed), draw(c.Duplicates)
}
