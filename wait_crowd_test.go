package postpress

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// crowd is a workspace of many accounts, numbered, with a list like the API's.
type crowd struct {
	*waitAPI
	size   int
	status func(i int) Status // now
	absent func(i int) bool   // from the list

	mu    sync.Mutex
	ended map[int]waited
	first []bool // pages: whether it was the first of the list
}

func crowdID(i int) string { return fmt.Sprintf("acc-%05d", i) }

func crowdNumber(id string) int {
	i, _ := strconv.Atoi(strings.TrimPrefix(id, "acc-"))
	return i
}

func newCrowd(t testing.TB, size int, status func(c *crowd, i int) Status, opts ...Option) *crowd {
	c := &crowd{waitAPI: newWaitAPI(t, opts...), size: size, ended: map[int]waited{}}
	c.status = func(i int) Status { return status(c, i) }
	c.absent = func(int) bool { return false }
	c.look = func(r *http.Request, id string, _ int) (*http.Response, error) {
		return body(200, accountJSON(id, c.status(crowdNumber(id))))(r)
	}
	c.list = c.page
	return c
}

// page is a page of the list; its cursor is the number of the first account.
func (c *crowd) page(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	assert.Equal(c.t, "250", q.Get("limit"))
	from, _ := strconv.Atoi(q.Get("cursor"))
	c.mu.Lock()
	c.first = append(c.first, from == 0)
	c.mu.Unlock()
	var items []string
	for i := from; i < min(from+250, c.size); i++ {
		if !c.absent(i) {
			items = append(items, accountJSON(crowdID(i), c.status(i)))
		}
	}
	cursor := "null"
	if from+250 < c.size {
		cursor = strconv.Quote(strconv.Itoa(from + 250))
	}
	return body(200, `{"object":"AccountList","items":[`+strings.Join(items, ",")+`],"cursor":`+cursor+`}`)(r)
}

// waitFor begins to wait for the accounts from one number to another; done
// waits for the ends of all.
func (c *crowd) waitFor(ctx context.Context, from, to int, opts ...WaitOption) (done func()) {
	var all sync.WaitGroup
	for i := from; i < to; i++ {
		all.Go(func() {
			a, err := c.client.WaitForConnection(ctx, crowdID(i), opts...)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.ended[i] = waited{a, err, c.now()}
		})
	}
	return all.Wait
}

// connectingAt is the status of accounts that connect at a time of their own.
func connectingAt(at func(i int) time.Duration) func(c *crowd, i int) Status {
	return func(c *crowd, i int) Status {
		if c.now() >= at(i) {
			return StatusOK
		}
		return StatusConnecting
	}
}

func never(int) time.Duration { return 1000 * time.Hour }

// round is how long it takes to read n accounts through the pace while the
// list is read as well, which takes at most every other place.
func round(n int) time.Duration { return time.Duration(n) * 2 * time.Second / defaultPollRate }

// fewest is how many are no crowd just yet.
const fewest = 120 * defaultPollRate
