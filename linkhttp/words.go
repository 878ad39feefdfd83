package linkhttp

import (
	"context"
	"errors"

	"github.com/postpress-ai/postpress-go"
)

// words are what a person reads: what has happened and what to do now.
var words = map[string]string{
	"canceled":          "The attempt was ended before anything was linked.",
	"idle":              "Nobody was watching this page, so the attempt was ended. Start again when you are ready.",
	"expired":           "The time to link the account is over. Start again when you have the phone at hand.",
	"wrong_account":     "Another WhatsApp account was linked than the one expected. Unlink it on that phone, under Linked devices, and use the phone with the right number.",
	"unsupported":       "WhatsApp asks this account for a confirmation that is not supported here. Nothing was linked.",
	"connection_failed": "WhatsApp did not accept the link. Start again.",
	"rate_limited":      "Too many attempts for now. Wait a little, or use the QR code instead of a phone number.",
	"account_not_found": "This account does not exist any more. Link it as a new one.",
	"already_connected": "This account is connected already. There is nothing to do.",
	"in_progress":       "This account is being linked already. Finish that attempt, or try again in five minutes.",
	"not_saved":         "WhatsApp is linked, but we could not save it. Try again; if it keeps happening, contact support.",
	"unavailable":       "The linking service cannot be reached right now. Try again in a moment.",
	"not_permitted":     "Linking accounts is not set up correctly on our side. Contact support.",
	"lost":              "This attempt is not known any more. Start again.",
	"failed":            "Something went wrong on our side. Start again.",

	"phone_number":  "This phone number cannot be right. Check it, with the country code.",
	"not_yet":       "There is no newer code yet. Use the one that is shown, if there is one, or try again in a moment.",
	"unauthorized":  "Log in first.",
	"forbidden":     "You may not link this.",
	"not_found":     "There is no such attempt. Start again.",
	"no_route":      "There is nothing here.",
	"method":        "This is not possible here.",
	"cross_site":    "This request came from another site.",
	"content_type":  "The body must be JSON, with the header Content-Type: application/json.",
	"bad_request":   "The request cannot be read.",
	"too_large":     "The request is too large.",
	"too_many":      "Too many attempts at once. Finish or cancel one of them, or wait a little.",
	"too_many_tabs": "This attempt is open in too many places. Close some of them.",
	"busy":          "Too many people are linking accounts right now. Try again in a moment.",
	"shutting_down": "The server is restarting. Try again in a moment.",
}

func wordsFor(code string) string {
	if w, ok := words[code]; ok {
		return w
	}
	return words["failed"]
}

// codeOf names the reason why an attempt could not be started or has failed. The
// more telling sentinels come first: an error may match several.
func codeOf(err error) string {
	for _, known := range []struct {
		is   error
		code string
	}{
		{postpress.ErrLinkCanceled, "canceled"},
		{postpress.ErrWrongAccount, "wrong_account"},
		{postpress.ErrUnsupportedCheckpoint, "unsupported"},
		{postpress.ErrAlreadyConnected, "already_connected"},
		{postpress.ErrIntentExpired, "expired"},
		{postpress.ErrConnectionFailed, "connection_failed"},
		{postpress.ErrRateLimited, "rate_limited"},
		{postpress.ErrAuthInProgress, "in_progress"},
		{postpress.ErrNotFound, "account_not_found"},
		{postpress.ErrUnauthorized, "not_permitted"},
		{postpress.ErrForbidden, "not_permitted"},
		{postpress.ErrUnavailable, "unavailable"},
		{postpress.ErrTimeout, "unavailable"},
		{context.DeadlineExceeded, "expired"},
	} {
		if errors.Is(err, known.is) {
			return known.code
		}
	}
	return "failed"
}
