package postpress

import (
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"strconv"
)

// ListOptions selects a page of a list. The zero value is the first page of
// the API's default size, 100 (documented by the API).
type ListOptions struct {
	// Limit is the number of items per page, 1–250; 0 means the API's default.
	Limit int
	// Cursor is the NextCursor of the page before; empty means the first page.
	Cursor string
}

func (o ListOptions) query() (string, error) {
	if o.Limit < 0 || o.Limit > 250 {
		return "", &ArgumentError{"Limit", "must be 1 to 250, or 0 for the API's default"}
	}
	q := url.Values{}
	if o.Limit > 0 {
		q.Set("limit", strconv.Itoa(o.Limit))
	}
	if o.Cursor != "" {
		q.Set("cursor", o.Cursor)
	}
	return q.Encode(), nil
}

// decodeList reads a list in both documented forms: items and cursor (API
// reference), data and next_cursor (quickstart).
func decodeList[T any](body []byte) (items []T, next string, err error) {
	var list struct {
		Items      json.RawMessage `json:"items"`
		Data       json.RawMessage `json:"data"`
		Cursor     json.RawMessage `json:"cursor"`
		NextCursor json.RawMessage `json:"next_cursor"`
	}
	if err := unmarshal(body, &list); err != nil {
		return nil, "", err
	}
	found := list.Items
	if found == nil {
		found = list.Data
	}
	var raws []json.RawMessage
	if json.Unmarshal(found, &raws) != nil {
		// An empty page here would say that there are no accounts.
		return nil, "", errNoList
	}
	for _, raw := range raws {
		var item T
		// An item that is no object is not one of the list; the rest is.
		if string(raw) != "null" && json.Unmarshal(raw, &item) == nil {
			items = append(items, item)
		}
	}
	return items, orDefault(text(list.Cursor), text(list.NextCursor)), nil
}

// all iterates over the items of all pages.
func all[T any](start ListOptions, page func(ListOptions) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		o, seen := start, map[string]bool{start.Cursor: true}
		for {
			items, next, err := page(o)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			if seen[next] {
				yield(none, errRepeatedCursor)
				return
			}
			seen[next], o.Cursor = true, next
		}
	}
}

var (
	errNoList         = errors.New("the body holds no list of items")
	errRepeatedCursor = errors.New("postpress: the API repeated a cursor of the list, which would never end")
)
