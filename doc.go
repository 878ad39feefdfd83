// Package postpress is a client of the postpress API, which connects the
// messaging accounts of your users to your product.
//
// Make one [Client] and share it:
//
//	client, err := postpress.New(os.Getenv("POSTPRESS_API_KEY"))
//
// # Linking a WhatsApp account
//
// Start with [Client.StartWhatsAppQR] or [Client.StartWhatsAppPairing], show
// the challenge (package qr draws the picture), and wait:
//
//	checkpoint, err := client.StartWhatsAppQR(ctx)
//	err = qr.PNG(w, string(checkpoint.QRCode))
//	account, err := client.WaitForConnection(ctx, checkpoint.AccountID)
//
// [Client.LinkWhatsApp] does all of that in an attempt that looks after itself: it
// replaces the challenge before that stops working, and goes on when the request
// that started it has ended. Package linkhttp puts it behind an http.Handler.
//
// With [WithStatusBus], waits are woken by webhooks, see [NewWebhookHandler].
//
// # Calls
//
// Every call is a method with a context, returns what the API answers, and
// accepts [RequestOption] values last. [Client.Do] reaches what has no method.
// Unknown fields and values pass through; the JSON is in the field Raw.
//
// # Errors
//
// A bad argument is an [*ArgumentError] before any request, an answer that is
// no success an [*APIError], no answer a [*RequestError], and a wait without a
// connected account a [*WaitError], a linking attempt without one a [*LinkError]. The sentinels, [ErrNotFound] and so on, are
// matched with [errors.Is] whichever type it is.
//
// # Retries
//
// One transport repeats what is safe to repeat, see [RetryPolicy]. POST and
// PATCH carry an idempotency key, the same for all attempts of a call.
//
// # Secrets
//
// QR texts, pairing codes, keys and phone numbers never appear in errors,
// logs, or what fmt prints of the values of this package; see [Secret].
package postpress
