package linkhttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/postpress-ai/postpress-go"
)

// Problem is an answer that is no success. Config.Authorize and Config.Request may
// return one, to choose what the browser is told; any other error of theirs is
// told in general words only, since its text may hold what is not for everyone.
type Problem struct {
	// Status is the HTTP status, 400 to 599.
	Status int
	// Code is for programs.
	Code string
	// Message is for people, and shown to them.
	Message string
	// RetryAfter says when trying again makes sense; 0 says nothing.
	RetryAfter time.Duration
}

// Error implements error.
func (p *Problem) Error() string {
	return fmt.Sprintf("linkhttp: %d %s: %s", p.Status, p.Code, p.Message)
}

// problem makes one of a code that has words.
func problem(status int, code string) *Problem {
	return &Problem{Status: status, Code: code, Message: wordsFor(code)}
}

// problemOf is what a hook's error is to the browser.
func problemOf(err error, status int, code string) *Problem {
	var p *Problem
	if errors.As(err, &p) && p.Status >= 400 && p.Status <= 599 {
		return p
	}
	return problem(status, code)
}

func (p *Problem) write(w http.ResponseWriter) {
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	writeJSON(w, p.Status, map[string]string{"code": p.Code, "message": p.Message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the browser has gone if it fails
}

// startProblem is why an attempt could not be started.
func startProblem(err error) *Problem {
	var number *postpress.PhoneNumberError
	if errors.As(err, &number) {
		return &Problem{Status: http.StatusUnprocessableEntity, Code: "phone_number", Message: "The phone number " + number.Problem + "."}
	}
	code := codeOf(err)
	if code == "expired" && errors.Is(err, context.DeadlineExceeded) {
		code = "unavailable" // it is the request that took too long, not the person
	}
	status, known := map[string]int{
		"rate_limited": http.StatusTooManyRequests, "account_not_found": http.StatusNotFound,
		"already_connected": http.StatusConflict, "in_progress": http.StatusConflict,
		"unavailable": http.StatusServiceUnavailable,
	}[code]
	if !known {
		status = http.StatusBadGateway
	}
	p := problem(status, code)
	var api *postpress.APIError
	if errors.As(err, &api) {
		p.RetryAfter = min(api.RetryAfter, time.Hour)
	}
	return p
}

// refreshProblem is why there is no new code. A phone that is connecting, or an API
// that stays with the current code, is nothing to worry about.
func refreshProblem(err error) *Problem {
	if errors.Is(err, postpress.ErrAuthInProgress) {
		return &Problem{http.StatusConflict, "not_yet", wordsFor("not_yet"), retryLater}
	}
	return startProblem(err)
}
