package postpress_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	postpress "github.com/postpress-ai/postpress-go"
)

// What the client costs beside a hand-written program: tuned net/http and
// encoding/json that send and read the same. Calls of the two alternate in one
// process, and the hand-written one takes part twice, so that "control" shows
// how far two equal things differ here:
//
//	go test -run '^$' -bench Against -benchtime 5000x .

const (
	benchAccount = `{"object":"Account","type":"WHATSAPP","id":"acc_01HXYZ4QK3WJ8FN3M6QH7TZ8GR","name":"Ada",` +
		`"created_at":"2025-12-31T23:59:59.999Z","connection_params":{"im":{"phone_number":"33612345678"}},` +
		`"last_fetched_at":"2025-12-31T23:59:59.999Z","groups":["a","b"],"sources":[{"id":"src_1","status":"OK"}]}`
	benchCheckpoint = `{"object":"Checkpoint","account_id":"acc_01HXYZ4QK3WJ8FN3M6QH7TZ8GR",` +
		`"checkpoint":{"type":"QRCODE","qrcode":"https://wa.me/settings/linked_devices#2@abcdefghijklmnopqrstuvwxyz"}}`
	benchID  = "acc_01HXYZ4QK3WJ8FN3M6QH7TZ8GR"
	benchKey = "pp_test_bench"
)

func benchHandler(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, benchCheckpoint)
		return
	}
	_, _ = io.WriteString(w, benchAccount)
}

// byHand is the hand-written program.
type byHand struct {
	client  *http.Client
	base    string
	timeout time.Duration
}

type handAccount struct {
	ID               string             `json:"id"`
	Name             string             `json:"name"`
	Provider         postpress.Provider `json:"type"`
	CreatedAt        time.Time          `json:"created_at"`
	ConnectionParams struct {
		IM struct {
			PhoneNumber string `json:"phone_number"`
		} `json:"im"`
	} `json:"connection_params"`
	LastFetchedAt    time.Time             `json:"last_fetched_at"`
	CurrentSignature string                `json:"current_signature"`
	Signatures       []postpress.Signature `json:"signatures"`
	Groups           []string              `json:"groups"`
	Sources          []postpress.Source    `json:"sources"`
	Raw              json.RawMessage       `json:"-"`
}

type handConnect struct {
	Provider postpress.Provider `json:"provider"`
}

type handCheckpoint struct {
	Object     string `json:"object"`
	AccountID  string `json:"account_id"`
	Checkpoint struct {
		Type   string `json:"type"`
		QRCode string `json:"qrcode"`
	} `json:"checkpoint"`
	Raw json.RawMessage `json:"-"`
}

func (h *byHand) get(ctx context.Context) error {
	var a handAccount
	var err error
	a.Raw, err = h.do(ctx, http.MethodGet, "/accounts/"+url.PathEscape(benchID), nil, &a)
	return err
}

func (h *byHand) connect(ctx context.Context) error {
	var c handCheckpoint
	var err error
	c.Raw, err = h.do(ctx, http.MethodPost, "/accounts", handConnect{postpress.ProviderWhatsApp}, &c)
	return err
}

func (h *byHand) do(ctx context.Context, method, path string, in, out any) (json.RawMessage, error) {
	if h.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.timeout)
		defer cancel()
	}
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, h.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "by-hand/1.0")
	req.Header.Set("X-API-KEY", benchKey)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", rand.Text())
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 10<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode > 299 {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	return data, json.Unmarshal(data, out)
}

type benchCall func(context.Context) error

// The calls compared. Do decodes into the same struct as the program by hand,
// ConnectAccount reads every form of an answer that is known.
var benchCalls = [3]string{"GetAccount", "ConnectAccount", "Do"}

// pair makes both sides over one pool, each with the calls of benchCalls.
func pair(tb testing.TB, base string, pool *http.Transport, timeout time.Duration) (sdk, hand [3]benchCall) {
	tb.Helper()
	client, err := postpress.New(benchKey, postpress.WithBaseURL(base),
		postpress.WithHTTPClient(&http.Client{Transport: pool}), postpress.WithTimeout(timeout))
	require.NoError(tb, err)
	h := &byHand{client: &http.Client{Transport: pool}, base: base, timeout: timeout}
	sdk = [3]benchCall{
		func(ctx context.Context) error { _, err := client.GetAccount(ctx, benchID); return err },
		func(ctx context.Context) error {
			_, err := client.ConnectAccount(ctx, postpress.ConnectRequest{Provider: postpress.ProviderWhatsApp})
			return err
		},
		func(ctx context.Context) error {
			var c handCheckpoint
			return client.Do(ctx, http.MethodPost, "/accounts", handConnect{postpress.ProviderWhatsApp}, &c)
		},
	}
	return sdk, [3]benchCall{h.get, h.connect, h.connect}
}

func benchPool() *http.Transport {
	return &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 128, IdleConnTimeout: 50 * time.Second}
}

func BenchmarkAgainstHandWritten(b *testing.B) {
	for _, server := range []string{"same process", "second process"} {
		for _, scheme := range []string{"http", "https"} {
			base, pool := benchServer(b, server == "second process", scheme == "https")
			for _, timeout := range []time.Duration{0, 30 * time.Second} {
				sdk, hand := pair(b, base, pool, timeout)
				for i, call := range benchCalls {
					callers := 1
					if scheme == "https" {
						callers = 64
					}
					name := fmt.Sprintf("%s/%s/callers=%d/timeout=%v/%s", server, scheme, callers, timeout, call)
					b.Run(name, func(b *testing.B) { alternate(b, callers, hand[i], sdk[i], hand[i]) })
				}
			}
		}
	}
}

// alternate runs rounds of the three in rotating order; in a round each caller makes some calls.
func alternate(b *testing.B, callers int, sides ...benchCall) {
	const each = 4
	took := make([][]time.Duration, len(sides))
	round := func(side int) []time.Duration {
		var wg sync.WaitGroup
		out := make([]time.Duration, callers*each)
		work := func(caller int) {
			for i := range each {
				began := time.Now()
				if err := sides[side](context.Background()); err != nil {
					b.Error(err)
				}
				out[caller*each+i] = time.Since(began)
			}
		}
		for caller := range callers - 1 {
			wg.Go(func() { work(caller) })
		}
		work(callers - 1)
		wg.Wait()
		return out
	}
	for side := range sides {
		round(side) // connections and caches are warm
	}
	b.ResetTimer()
	for n := 0; n < b.N; n += callers * each * len(sides) {
		for i := range sides {
			side := (i + n/(callers*each*len(sides))) % len(sides)
			took[side] = append(took[side], round(side)...)
		}
	}
	b.StopTimer()
	p50 := func(side int) float64 {
		slices.Sort(took[side])
		return float64(took[side][len(took[side])/2])
	}
	hand, sdk, again := p50(0), p50(1), p50(2)
	b.ReportMetric(0, "ns/op") // a mixture, it says nothing
	b.ReportMetric(sdk, "sdk-p50-ns")
	b.ReportMetric((hand+again)/2, "hand-p50-ns")
	b.ReportMetric(2*sdk/(hand+again), "ratio")
	b.ReportMetric(again/hand, "control")
}

// BenchmarkAllocations counts those of the client side alone.
func BenchmarkAllocations(b *testing.B) {
	for _, timeout := range []time.Duration{0, 30 * time.Second} {
		for i, call := range benchCalls {
			sdk, hand := pair(b, "http://localhost/v1", cannedPool(i), timeout)
			for side, f := range map[string]benchCall{"sdk": sdk[i], "hand": hand[i]} {
				b.Run(fmt.Sprintf("%s/timeout=%v/%s", call, timeout, side), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := f(context.Background()); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// A call allocates no more than the program written by hand; bounding each
// attempt may cost eight. ConnectAccount reads every known form of the answer, for six more.
func TestAllocations(t *testing.T) {
	perCall := func(f benchCall) float64 {
		const calls = 500 // one run of many: AllocsPerRun rounds down
		return testing.AllocsPerRun(1, func() {
			for range calls {
				if err := f(context.Background()); err != nil {
					t.Error(err)
				}
			}
		}) / calls
	}
	for i, call := range benchCalls {
		pool := cannedPool(i)
		unbounded, hand := pair(t, "http://localhost/v1", pool, 0)
		bounded, _ := pair(t, "http://localhost/v1", pool, 30*time.Second)
		base := perCall(hand[i])
		if call == "ConnectAccount" {
			base += 6
		}
		t.Logf("%s: at most %.1f, %.1f, with a time-out %.1f", call, base, perCall(unbounded[i]), perCall(bounded[i]))
		assert.LessOrEqual(t, perCall(unbounded[i]), base+0.9, call)
		assert.LessOrEqual(t, perCall(bounded[i]), base+8.9, call)
	}
}
