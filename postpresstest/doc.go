// Package postpresstest is an in-process double of the postpress API, for
// integration tests and for trying a program without an account. It keeps
// accounts, authentication intents, QR texts and pairing codes like the API
// does, and adds the hand that holds the phone: [Server.Scan],
// [Server.EnterPairingCode], [Server.Expire], [Server.SetStatus].
//
//	srv := postpresstest.NewServer()
//	defer srv.Close()
//	client := srv.Client() // a *postpress.Client wired to the double
//
// The double can be reached in two ways that behave alike: over a loopback
// socket at [Server.URL], and in memory through [Server.RoundTripper] and
// [Server.Client]. Both are a net/http server and a net/http transport; only the
// connections differ. Started inside a testing/synctest bubble the double has no
// socket, since a goroutine waiting on one stops the fake clock, and works
// through the in-memory way alone: five-minute intents pass in milliseconds.
// A Server belongs to the bubble, or to the world outside, that started it.
//
// # Webhooks
//
// Every change of an account is delivered to the webhooks that were created for it,
// and a hosted link's notify_url is told by [Server.CompleteHostedLink]. By default
// deliveries go out over loopback, and to no other host; [WithWebhookReceiver] hands
// them to handlers in memory, also in a synctest bubble. [WithWebhookChaos] loses,
// repeats, delays and cuts them, [Server.Deliveries] tells what became of each attempt,
// and [Server.WaitDeliveries] waits for the last one. [CheckWebhookHandler] is a set of
// checks for a handler of one's own.
//
// An event counts as delivered by exactly 200 within 30 s. After anything else five
// more attempts follow, each a while after the failure of the one before; redirects
// are not followed. Without chaos a webhook gets one attempt at a time, in the order in
// which they are due: an event that failed is overtaken by those after it. What chaos
// has delayed or doubled is sent on its own, also beside another. Webhooks do not wait
// for each other. There is no order between a webhook and the answer of the call that
// caused it.
//
// # Readings
//
// The public documentation leaves gaps. Where it does, the double behaves as
// below; most of it can be changed by an [Option], and any answer at all can be
// produced with [Server.Inject].
//
//   - WHATSAPP and TELEGRAM are linked by QR code, WHATSAPP also by pairing code.
//     LINKEDIN, INSTAGRAM, TWITTER and MESSENGER ask for a code
//     ([Server.CheckpointCode]). All other providers are connected at once.
//   - A new account is unknown to every call but get, connect-again, checkpoint
//     and delete until it is connected; it is not listed either (see
//     [WithPendingInList]).
//   - When an intent ends, each get held at that moment is answered 408, or else
//     the first request after it; later ones 400. A new account stays in that state
//     and is 404 to delete. An account that was being reconnected falls back to its
//     former status: each 408 is followed by one 400, then it can be read again, and
//     a new intent can start at any time.
//   - A second start while an intent is live is 425, unless the code handed out
//     last has gone stale: then it is 202 with the current code, in the same intent,
//     whose five minutes run on (see [WithReissue]).
//   - Connecting an account again that is running is 201 AccountReconnected.
//   - While a reconnect is pending the source keeps its former status until the
//     phone has scanned; a new account is CONNECTING from the start.
//   - Any phone may be used to reconnect an account, whose number then changes.
//   - Deleting an account answers its held gets with 404.
//   - Restarting an account whose status is CREDENTIALS, or which is being linked
//     again, fails (AccountFailedToRestart); any other ends in OK.
//   - A repeated Idempotency-Key with another body is 422. Answers below 500 are kept
//     and repeated, with X-Request-Id and an added Idempotent-Replayed: true, except
//     408 and 425, which a retry is meant to get past.
//   - A Content-Type that is not JSON is 400; none at all is tolerated.
//   - Statuses for which no error type is documented use their own name: too_early,
//     too_many_requests, unprocessable_entity, not_implemented, method_not_allowed.
//   - A label given to update becomes the account's name.
//   - The five more attempts come 1 s, 5 s, 30 s, 2 min and 10 min after a failure
//     ([WithWebhookRetryDelays]); those for a webhook that was deleted meanwhile never.
//   - A status counts once its headers are there; the body of the answer is ignored.
//   - Empty or missing account_ids and events leave nothing out; a status that is not
//     among the documented events is sent to webhooks without a list of them.
//   - data renames a field (key) to a name and leaves out nothing; the fields stay in
//     AccountStatus, which can be renamed too. A form is AccountStatus[account_id]=… by
//     default ([WithWebhookForm]).
//   - CREDENTIALS comes with the reason Disconnected, other messages without one.
//   - The notification of a hosted link is JSON without any header, and is tried as
//     often as a webhook.
//   - Webhooks are sent with no header but those listed, not even a User-Agent, and to
//     https URLs or loopback ones only.
package postpresstest
