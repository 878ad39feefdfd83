package postpresstest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
)

const (
	defaultLimit = 100
	maxLimit     = 250
)

// page is a part of a list: the items after one that may be gone by now.
type page struct {
	list  string // of which list, so that no cursor works on another
	limit int
	after int
}

// page reads limit and cursor.
func (r *request) page(list string) (page, *apiError) {
	p := page{list: list, limit: defaultLimit}
	if text := r.query.Get("limit"); r.query.Has("limit") {
		n, err := strconv.Atoi(text)
		switch {
		case err != nil || n < 1:
			return p, invalid("limit must be a number from 1 to %d", maxLimit)
		case n > maxLimit:
			return p, fail(http.StatusBadRequest, "limit_too_high", "limit must not be above %d", maxLimit)
		}
		p.limit = n
	}
	if text := r.query.Get("cursor"); text != "" {
		after, ok := p.parse(text)
		if !ok {
			return p, invalid("cursor is not one that was given out for this list")
		}
		p.after = after
	}
	return p, nil
}

// cursor names the last item of a page. Items are numbered in the order in which
// they were added, so what comes and goes meanwhile does not disturb it.
func (p page) cursor(last int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d", p.list, last))
}

func (p page) parse(cursor string) (int, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, false
	}
	var last int
	_, err = fmt.Sscanf(string(raw), p.list+":%d", &last)
	return last, err == nil && p.cursor(last) == cursor
}

// cut takes a page out of all items, and the cursor of the next one if there is one.
func cut[T any](p page, all []T, number func(T) int) (items []T, next *string) {
	items = []T{}
	for _, item := range all {
		if number(item) <= p.after {
			continue
		}
		if len(items) == p.limit {
			c := p.cursor(number(items[len(items)-1]))
			return items, &c
		}
		items = append(items, item)
	}
	return items, nil
}

func (s *Server) listAnswer(object string, items any, next *string) answer {
	if s.cfg.pagination == PaginationQuickstart {
		return jsonAnswer(http.StatusOK, wireQuickstartList{Data: items, NextCursor: next})
	}
	return jsonAnswer(http.StatusOK, wireList{Object: object, Items: items, Cursor: next})
}
