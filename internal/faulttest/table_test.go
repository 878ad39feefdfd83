package faulttest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/postpress-ai/postpress-go"
)

// row is a line of the table: what some calls have in common.
type row struct {
	calls                 []string
	get, is, requests, do string
}

const tableHead = "| fault | call | what you get | errors.Is | requests sent | what to do |\n|---|---|---|---|---|---|\n"

// String is all but the first cell.
func (r row) String() string {
	cells := []string{calling(r.calls), r.get, r.is, r.requests, r.do}
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// calling names a set of calls, with the starts as one.
func calling(names []string) string {
	starts := []string{"ConnectAccount", "StartWhatsAppQR", "LinkWhatsApp"}
	var all []string
	for _, n := range names {
		switch {
		case !slices.Contains(starts, n):
			all = append(all, "`"+n+"`")
		case !slices.Contains(all, "starts"):
			all = append(all, "starts")
		}
	}
	return strings.Join(all, ", ")
}

func rowOf(o outcome) row {
	r := row{calls: []string{o.call.name}, get: "success", is: "", requests: fmt.Sprint(o.requests), do: advice(o.err)}
	if o.err == nil {
		return r
	}
	r.get = kindOf(o.err) + " `" + steady(o.err.Error()) + "`"
	r.is = sentinels(o.err)
	var wait *postpress.WaitError
	if errors.As(o.err, &wait) && errors.Is(o.err, context.DeadlineExceeded) && o.requests > 0 {
		r.requests = "1 per look"
	}
	return r
}

// same tells whether two outcomes of a fault are one line.
func (r row) same(o row) bool {
	return r.get == o.get && r.is == o.is && r.requests == o.requests && r.do == o.do
}

func kindOf(err error) string {
	return strings.Replace(fmt.Sprintf("`%T`", err), "postpress.", "", 1)
}

var knownErrors = []struct {
	name string
	err  error
}{
	{"ErrUnauthorized", postpress.ErrUnauthorized}, {"ErrForbidden", postpress.ErrForbidden},
	{"ErrNotFound", postpress.ErrNotFound}, {"ErrRateLimited", postpress.ErrRateLimited},
	{"ErrTimeout", postpress.ErrTimeout}, {"ErrConflict", postpress.ErrConflict},
	{"ErrAuthInProgress", postpress.ErrAuthInProgress}, {"ErrUnavailable", postpress.ErrUnavailable},
	{"ErrUnknownOutcome", postpress.ErrUnknownOutcome}, {"ErrResponseTooLarge", postpress.ErrResponseTooLarge},
	{"ErrIntentExpired", postpress.ErrIntentExpired}, {"ErrConnectionFailed", postpress.ErrConnectionFailed},
	{"ErrAlreadyConnected", postpress.ErrAlreadyConnected}, {"ErrWrongAccount", postpress.ErrWrongAccount},
	{"ErrUnsupportedCheckpoint", postpress.ErrUnsupportedCheckpoint},
	{"context.DeadlineExceeded", context.DeadlineExceeded}, {"http.ErrSchemeMismatch", http.ErrSchemeMismatch},
}

// sentinels are what errors.Is finds, and what errors.As does where that tells more.
func sentinels(err error) string {
	var found []string
	var wait *postpress.WaitError
	for _, s := range knownErrors {
		// Some time-outs of package net are that as well, some are not, as it happens.
		accident := s.err == context.DeadlineExceeded && !errors.As(err, &wait)
		if errors.Is(err, s.err) && !accident {
			found = append(found, "`"+s.name+"`")
		}
	}
	var (
		cert   *tls.CertificateVerificationError
		record tls.RecordHeaderError
		dns    *net.DNSError
	)
	for _, s := range []struct {
		name  string
		found bool
	}{
		{"*tls.CertificateVerificationError", errors.As(err, &cert)}, {"tls.RecordHeaderError", errors.As(err, &record)},
		{"*net.DNSError", errors.As(err, &dns)},
	} {
		if s.found {
			found = append(found, "as `"+s.name+"`")
		}
	}
	return strings.Join(found, ", ")
}

// What differs from run to run and from machine to machine.
var unsteady = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`(read|write) tcp \S+->\S+: (read|write): (connection reset by peer|broken pipe)`), "read tcp …: connection reset by peer"},
	{regexp.MustCompile(`( on [0-9.:\[\]a-f]+)?: (read udp \S+: )?i/o timeout`), ": i/o timeout"},
	{regexp.MustCompile(` on [0-9.:\[\]a-f]+:53`), ""},
	{regexp.MustCompile(`dial tcp 127\.0\.0\.1:[0-9]+`), "dial tcp …"},
	{regexp.MustCompile(`stream ID [0-9]+`), "stream ID …"},
	{regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z`), "…"},
	{regexp.MustCompile(`: About \[redacted\].* and \[redacted\]`), ": …"},
	{regexp.MustCompile(`^postpress: |(postpress: )?(GET|POST) /accounts(/\{id\})?: |waiting for account \S+: | \(last status .*\)$`), ""},
}

// steady is a text without that, and without the call, which has a column.
func steady(text string) string {
	for _, u := range unsteady {
		text = u.what.ReplaceAllString(text, u.with)
	}
	return text
}

// table has the faults that last, group by group.
func table(all []outcome) string {
	var b strings.Builder
	for len(all) > 0 {
		group := all[0].fault.group
		end := slices.IndexFunc(all, func(o outcome) bool { return o.fault.group != group })
		if end < 0 {
			end = len(all)
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s", group, lines(all[:end], false))
		all = all[end:]
	}
	return b.String()
}

// passing has those that strike once.
func passing(all []outcome) string { return lines(all, true) }

// lines are the rows of some outcomes. Faults that come to the same are one.
func lines(all []outcome, once bool) string {
	var names, order []string
	rows := map[string][]row{}
	for _, o := range all {
		if o.once != once || o.fault.varies {
			continue
		}
		if !slices.Contains(names, o.fault.name) {
			names = append(names, o.fault.name)
		}
		rows[o.fault.name] = merge(rows[o.fault.name], rowOf(o))
	}
	faults := map[string][]string{}
	for _, name := range names {
		text := strings.Join(written(rows[name]), "")
		if faults[text] == nil {
			order = append(order, text)
		}
		faults[text] = append(faults[text], name)
	}
	text := tableHead
	for _, rest := range order {
		text += "| " + strings.Join(faults[rest], "; ") + " " + rest
	}
	return text
}

func merge(rows []row, r row) []row {
	for i := range rows {
		if rows[i].same(r) {
			rows[i].calls = append(rows[i].calls, r.calls...)
			return rows
		}
	}
	return append(rows, r)
}

// written is what follows the name of the fault. A wait repeats the text of the other
// calls, which need not be read twice.
func written(rows []row) (all []string) {
	for i, r := range rows {
		before, cause, found := strings.Cut(r.get, "before that: ")
		switch {
		case i == 0:
		case found && repeats(rows[0].get, cause):
			r.get = before + "before that:` the same"
		case repeats(rows[0].get, strings.TrimPrefix(r.get, "`*WaitError` `")):
			r.get = "`*WaitError`: the same"
		}
		all = append(all, r.String())
		if i > 0 {
			all[i] = "| " + all[i]
		}
	}
	return all
}

func repeats(first, cause string) bool {
	_, text, _ := strings.Cut(first, " `")
	return attempts.ReplaceAllString(text, "") == cause
}

var attempts = regexp.MustCompile(` \[[23] attempts\]`)
