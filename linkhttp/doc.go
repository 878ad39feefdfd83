// Package linkhttp puts "connect your WhatsApp" behind an http.Handler: a browser
// starts an attempt, sees each step of it live, asks for a new code, or cancels.
//
//	handler, err := linkhttp.NewHandler(linkhttp.Config{
//		Client: client,
//		Authorize: func(r *http.Request) (string, error) {
//			return sessions.UserID(r) // your own login
//		},
//		OnConnected: func(ctx context.Context, userID string, a *postpress.Account) error {
//			return db.SaveAccount(ctx, userID, a.ID)
//		},
//	})
//	mux.Handle("/whatsapp/", http.StripPrefix("/whatsapp", handler))
//
// With chi: r.Mount("/whatsapp", http.StripPrefix("/whatsapp", handler)). With gin:
// g.Any("/whatsapp/*any", gin.WrapH(http.StripPrefix("/whatsapp", handler))). A
// middleware that wraps the http.ResponseWriter must have the method Unwrap, as
// those of the usual routers do, and must not buffer.
//
// # Routes
//
//	POST   /links               start; JSON {} or {"phone_number":"+33 6 …"} or {"account_id":"acc_…"}
//	                            201 {"id":"…"}, or 200 where the same attempt is under way already
//	GET    /links/{id}/events   the steps as server-sent events
//	POST   /links/{id}/refresh  a new code, now: 204
//	DELETE /links/{id}          cancel: 204
//
// Everything else is an error with a JSON body {"code":"…","message":"…"}, in
// words a person can read, and with Retry-After where trying again later helps.
// It never holds a phone number, a code or what the API said.
//
// # Events
//
// Each event is named "step", has the number of the step as its id, and as its data
// a JSON object that tells the whole state, so that whoever comes late, or
// reconnects with Last-Event-ID, needs the last one only:
//
//	state          show | expired | connecting | ending (being cancelled) | connected | failed
//	qr_svg         show: the QR code as an svg element, black on white, with its border
//	pairing_code   show: the code to type, XXXX-XXXX, instead of qr_svg
//	expires_at     show: when the phone stops accepting it, an estimate
//	expires_in_ms  show: the same, counted from now, for clocks that are wrong
//	account        connected: {"id","name","phone_number"}
//	code, message  failed: why, for programs and for people
//
// An EventSource sends cookies and no other header: where your login is a token in a
// header, read the stream with fetch. Over HTTP/1.1 a browser has six connections
// for all tabs of a site; HTTP/2 has no such limit.
//
// After connected or failed the stream is over; close the EventSource then. Until
// then a lost stream is only a viewer that has left: it may come back, to any replica.
// The text of a QR code is never sent, nor is anything secret ever in a URL.
//
// The codes of failed are: canceled, idle (nobody was watching), expired (nobody
// linked in time), wrong_account, unsupported (WhatsApp asks for something else),
// connection_failed, rate_limited, account_not_found, not_saved (OnConnected failed),
// unavailable, lost (the store forgot the attempt) and failed. A start can
// also be refused, and on another replica fail, with phone_number, in_progress, already_connected, too_many, busy,
// not_permitted, forbidden, unauthorized, cross_site, content_type, too_large,
// bad_request and shutting_down, a refresh with not_yet, any request about an
// attempt with not_found, and a stream with too_many_tabs.
//
// # Who may do what
//
// Authorize names the user behind every request. An attempt belongs to the user
// who started it; for all others it does not exist (404). What may be linked is
// decided by Config.Request; without it, a browser may give a phone number and
// cannot link an existing account again. Requests from other sites' pages are
// refused (see http.CrossOriginProtection), so that a login by cookie is safe, and a
// start must be JSON.
//
// # One click, one attempt
//
// The same user who asks for the same thing gets the same attempt, however often and
// on however many replicas the button is pressed, until it ends or is cancelled. An
// attempt without a viewer for Config.IdleTimeout is cancelled.
//
// # More than one replica
//
// With a [Store] that all replicas share, any of them can serve any request;
// sessions need not be sticky. One replica owns an attempt, renews its lease, and
// saves each step. Another that is asked for it follows the saved steps, about a
// second behind, and passes on Refresh and DELETE. When the owner has not renewed for
// Config.LeaseTime, as measured by whoever follows, so that clocks do not
// matter, one follower takes over with postpress.Client.ResumeLink: the
// person sees the same attempt go on. A replica that shuts down gives its leases
// back at once. What is stored is encrypted with Config.Secret.
//
// When the store is down, running attempts go on; only what needs another replica
// does not work.
package linkhttp
