package postpress

import (
	"context"
	"slices"
	"time"
)

// LinkRecord is what of an attempt outlives the process: ids and times, no
// secrets and no phone numbers. It is plain JSON, for a database of yours; see
// ResumeLink. Whoever can change it can choose which account is linked, so sign
// it where it leaves your hands. The zero value is of no attempt.
type LinkRecord struct {
	// AccountID is the account being linked, or that was linked.
	AccountID string `json:"account_id"`
	// Created are the accounts that the attempt has created, and may delete while
	// they are not linked. Empty for an account that is linked again.
	Created []string `json:"created,omitempty"`
	// ReconnectID is the existing account that is linked again; empty for a new one.
	ReconnectID string `json:"reconnect_id,omitempty"`
	// Pairing tells that it is linked by pairing code.
	Pairing bool `json:"pairing,omitempty"`
	// Needs names the fields of the LinkRequest that are not kept here, because
	// they are nobody's business: ResumeLink wants them from WithLinkRequest.
	Needs []string `json:"needs,omitempty"`
	// Country is that of the LinkRequest.
	Country string `json:"country,omitempty"`
	// Seq and State are those of the current step.
	Seq   int       `json:"seq"`
	State LinkState `json:"state,omitempty"`
	// StartedAt is when the attempt began, Deadline when its time is up.
	StartedAt time.Time `json:"started_at"`
	Deadline  time.Time `json:"deadline"`
	// ExpiresAt is until when the challenge shown last is thought to work.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Refreshes counts the challenges that replaced another by themselves, Asked
	// how often Refresh was served.
	Refreshes int `json:"refreshes,omitempty"`
	Asked     int `json:"asked,omitempty"`
	// Ended tells that the outcome is there: nothing is left to resume.
	Ended bool `json:"ended,omitempty"`
	// LeftOver are accounts that the attempt has created and left behind: a
	// second one that got linked, or one that could not be verified or deleted.
	// SweepUnlinked finds those that stay unlinked.
	LeftOver []string `json:"left_over,omitempty"`
}

// The names in LinkRecord.Needs.
const (
	needsPhoneNumber  = "PhoneNumber"
	needsExpectNumber = "ExpectPhoneNumber"
	needsProxy        = "Proxy"
)

// newLinkRecord is the record of an attempt that begins now.
func newLinkRecord(req LinkRequest, cfg linkConfig) LinkRecord {
	now := time.Now().UTC().Round(0)
	return LinkRecord{
		ReconnectID: req.AccountID, Pairing: req.PhoneNumber != "",
		Needs: req.needs(), Country: req.Country, StartedAt: now, Deadline: now.Add(cfg.timeout),
	}
}

// needs names what a record does not keep.
func (r LinkRequest) needs() (names []string) {
	if r.PhoneNumber != "" {
		names = append(names, needsPhoneNumber)
	}
	if r.ExpectPhoneNumber != "" {
		names = append(names, needsExpectNumber)
	}
	if r.Proxy != nil {
		names = append(names, needsProxy)
	}
	return names
}

// ResumeLink goes on with an attempt of another process, or of this one before it
// was restarted. It looks first: where the phone has answered meanwhile, that is
// the outcome. Otherwise it gets a new challenge, since the one that was shown is not
// kept (it is a secret); that counts as a refresh, and until it is there the step
// is LinkExpired. The numbering, the deadline, the number of refreshes and what has to be
// cleaned up are carried over. An attempt must go on in one process only.
//
// ResumeLink itself sends nothing: what it finds is told by Wait and Steps, and ctx
// is for the wait that WithLinkKey may need. The request of the attempt is given
// with WithLinkRequest where it held a phone number, an expectation or a proxy.
//
// A record that cannot be one, has ended, or needs a request that is not given
// is an *ArgumentError. Records of other versions are read: fields that are missing
// have their defaults, and unknown ones are ignored.
func (c *Client) ResumeLink(ctx context.Context, rec LinkRecord, opts ...LinkOption) (*Link, error) {
	cfg, err := newLinkConfig(opts)
	if err != nil {
		return nil, err
	}
	if err := rec.validate(); err != nil {
		return nil, err
	}
	req, err := rec.request(cfg.request)
	if err != nil {
		return nil, err
	}
	if latest := time.Now().Add(cfg.timeout); rec.Deadline.IsZero() || rec.Deadline.After(latest) && cfg.timeoutSet {
		rec.Deadline = latest
	}
	return c.links.start(ctx, cfg.key, req, func(_ string, ended func()) (*Link, error) {
		return c.resumeLink(req, cfg, rec, ended), nil
	})
}

func (r LinkRecord) validate() error {
	bad := func(problem string) error { return &ArgumentError{"LinkRecord", problem} }
	switch {
	case r.AccountID == "":
		return bad("must be the State of a link: it names no account")
	case r.Ended:
		return bad("is of an attempt that has ended")
	case r.Seq < 0 || r.Refreshes < 0 || r.Asked < 0:
		return bad("must be the State of a link: a count is negative")
	case r.Deadline.After(time.Now().Add(25 * time.Hour)):
		return bad("must be the State of a link: its deadline is too far away")
	case r.ReconnectID != "" && len(r.Created) > 0:
		return bad("must be the State of a link: an account that is linked again is not one it has created")
	}
	for _, id := range append([]string{r.AccountID}, r.Created...) {
		if checkID("AccountID", id) != nil {
			return bad("must be the State of a link: it holds what is no account id")
		}
	}
	return nil
}

// request rebuilds the request of the attempt, which must say what the record does not.
func (r LinkRecord) request(given *LinkRequest) (LinkRequest, error) {
	req := LinkRequest{AccountID: r.ReconnectID, Country: r.Country}
	if given != nil {
		var err error
		if req, err = given.normalize(); err != nil {
			return req, err
		}
	}
	has := req.needs()
	for _, name := range r.Needs {
		if !slices.Contains(has, name) {
			return req, &ArgumentError{"WithLinkRequest", "must give the request of the attempt, which held " + shorten(oneLine(name)) + ": a LinkRecord does not keep that"}
		}
	}
	switch {
	case (req.PhoneNumber != "") != r.Pairing:
		return req, &ArgumentError{"WithLinkRequest", "must be the request of the attempt: one is by pairing code, the other by QR code"}
	case req.AccountID != r.ReconnectID:
		return req, &ArgumentError{"WithLinkRequest", "must be the request of the attempt: its AccountID is another"}
	}
	return req, nil
}
