package postpresstest

import (
	"time"

	postpress "github.com/postpress-ai/postpress-go"
)

// method is how an account is linked.
type method int

const (
	byQRCode method = iota
	byPairingCode
	byCheckpointCode // a code sent by the provider, entered through the API
)

func (m method) String() string {
	return [...]string{"by QR code", "by pairing code", "by checkpoint code"}[m]
}

// intent is an attempt to link an account. Its fields are guarded by the store.
type intent struct {
	method  method
	former  postpress.Status // of an account that is being reconnected
	expires time.Time
	code    code
	given   string // the code in the last answer
	phone   string // for which a pairing code was asked, later the one that scanned

	scanned   bool
	connectAt time.Time // once scanned

	resentAt time.Time

	ended     *apiError // nil while live
	announced int       // how often ended was answered
	owed      int       // 400s that still have to follow (reconnects only)

	stops []func() // of its timers
}

func (in *intent) live() bool { return in != nil && in.ended == nil }

func (in *intent) stopTimers() {
	for _, stop := range in.stops {
		stop()
	}
	in.stops = nil
}

// code is what the phone needs; it is valid from the moment it is made until then.
type code struct {
	text  string
	until time.Time
}

func (c code) valid(now time.Time) bool { return now.Before(c.until) }

// issue makes the first code of an intent.
func (st *store) issue(in *intent, now time.Time) {
	switch in.method {
	case byQRCode:
		in.code = code{st.codes.qrText(), now.Add(st.cfg.qrFirst)}
	case byPairingCode:
		in.code = code{st.codes.pairingCode(), now.Add(st.cfg.pairingValid)}
	case byCheckpointCode:
		in.code = code{st.codes.pick(digits, 6), in.expires}
	}
	in.given = in.code.text
}

// rotate brings the code up to date. A QR code changes by itself; a pairing code
// runs out and is only replaced when a new one is asked for.
func (st *store) rotate(in *intent, now time.Time) {
	if in.method != byQRCode || in.code.valid(now) {
		return
	}
	skipped := now.Sub(in.code.until) / st.cfg.qrLater
	in.code = code{st.codes.qrText(), in.code.until.Add((skipped + 1) * st.cfg.qrLater)}
}

// reissue gives the code to answer a second start with, unless the first is
// still in progress.
func (st *store) reissue(a *account, m method, phone string, now time.Time) *apiError {
	in := a.intent
	if in.live() && !in.scanned && st.cfg.reissue != ReissueNever {
		st.rotate(in, now)
		if st.cfg.reissue == ReissueAlways {
			st.begin(a, m, phone, now)
			return nil
		}
		if !in.code.valid(now) || in.code.text != in.given {
			if m != in.method || m == byPairingCode {
				in.method, in.phone = m, phone
				st.issue(in, now)
			}
			in.given = in.code.text
			return nil
		}
	}
	return fail(425, "too_early", "an authentication of this account is already in progress")
}

// begin gives an account a new intent in place of any it had.
func (st *store) begin(a *account, m method, phone string, now time.Time) {
	former := a.status
	if a.intent.live() {
		former = a.intent.former
		a.intent.stopTimers()
	}
	in := &intent{method: m, former: former, phone: phone, expires: now.Add(st.cfg.intent)}
	st.issue(in, now)
	a.intent = in
	in.stops = append(in.stops, st.timers.after(st.cfg.intent, func() { st.touch(a.id) }))
	if st.cfg.autoScan >= 0 && m != byCheckpointCode {
		in.stops = append(in.stops, st.timers.after(st.cfg.autoScan, func() { st.autoScan(a, in) }))
	}
}

// touch lets what has become due happen.
func (st *store) touch(id string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.find(id, time.Now())
}

// settle lets what has become due happen to an account. It is called before
// anything looks at one, so that no answer depends on a timer being on time.
func (st *store) settle(a *account, now time.Time) {
	in := a.intent
	switch {
	case !in.live():
	case in.scanned && !now.Before(in.connectAt):
		st.connect(a, now)
	case !in.scanned && !now.Before(in.expires):
		st.endIntent(a, timedOut(), now)
	}
}

// endIntent makes an intent end without a connection.
func (st *store) endIntent(a *account, why *apiError, now time.Time) {
	in := a.intent
	in.stopTimers()
	in.ended = why
	if a.known {
		st.setStatus(a, in.former, now)
	} else {
		st.record(a, postpress.StatusCreationFail, now)
	}
	a.wake()
}

// connect makes an intent end with a connection, and returns what was recorded
// beside OK.
func (st *store) connect(a *account, now time.Time) postpress.Status {
	in := a.intent
	in.stopTimers()
	a.intent = nil
	message := postpress.StatusReconnected
	if !a.known {
		message = postpress.StatusCreationSuccess
		a.createdAt = now
		st.accept(a)
	}
	switch {
	case in.phone != "":
		a.phone = in.phone
	case a.phone == "":
		a.phone = st.ids.phone()
	}
	if a.name == "" {
		a.name = a.phone
	}
	a.fetchedAt = now
	st.setStatus(a, postpress.StatusOK, now)
	st.record(a, message, now)
	a.wake()
	return message
}
