package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

const (
	// waitersArg makes the test binary a process in which people wait.
	waitersArg = "waiters"
	wakeCrowd  = 1000 // who wait at once
	wakeRate   = 300  // webhooks per second
)

func wakeID(i int) string { return fmt.Sprintf("acc_wake_%05d", i) }

// runWaiters lets wakeCrowd accounts be waited for per line of in, which has the number
// of the first one, and tells when they all wait, and who returned when.
func runWaiters(in io.Reader, out, errs io.Writer) int {
	commands := bufio.NewScanner(in)
	var cfg replicaConfig
	if !commands.Scan() || json.Unmarshal(commands.Bytes(), &cfg) != nil {
		return exitUsage
	}
	bus, _, done, err := connect(context.Background(), cfg)
	if err != nil {
		fmt.Fprintln(errs, "waiters:", err)
		return exitFailed
	}
	defer done()
	client, err := postpress.New(cfg.APIKey, postpress.WithBaseURL(cfg.APIURL), postpress.WithStatusBus(bus), postpress.WithPollRate(1000))
	if err != nil {
		fmt.Fprintln(errs, "waiters:", err)
		return exitFailed
	}
	defer client.Close()
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, format+"\n", args...)
	}
	for commands.Scan() {
		first, _ := strconv.Atoi(commands.Text())
		waitFor(client, first, say)
	}
	return exitConnected
}

// waitFor looks at each account once, and then only when it is woken: the next look
// by itself would come an hour later.
func waitFor(client *postpress.Client, first int, say func(string, ...any)) {
	var looked, all sync.WaitGroup
	looked.Add(wakeCrowd)
	for i := first; i < first+wakeCrowd; i++ {
		all.Go(func() {
			var once sync.Once
			account, err := client.WaitForConnection(context.Background(), wakeID(i),
				postpress.WithPollInterval(time.Hour, time.Hour), postpress.WithWaitTimeout(10*time.Minute),
				postpress.WithProgress(func(postpress.WaitProgress) { once.Do(looked.Done) }))
			now := time.Now()
			if err == nil && account.Connected() {
				say("%d %d", i, now.UnixNano())
			}
		})
	}
	looked.Wait()
	say("ready")
	all.Wait()
	say("done")
}

// TestWebhookWakesAnotherProcess posts webhooks to a replica, over loopback, and has
// somebody wait for each in another process, with WaitForConnection: the time is from
// the POST until that has returned, the read of the account included. It does so for
// one crowd, or for as many as POSTPRESS_WAKES says; then the median must keep the promise.
func TestWebhookWakesAnotherProcess(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("POSTPRESS_WAKES"))
	measure := n > 0
	n = max(n/wakeCrowd, 1) * wakeCrowd
	for name, broker := range map[string]func(t *testing.T, cfg *replicaConfig){
		"Redis": func(t *testing.T, cfg *replicaConfig) { cfg.Redis = startRedis(t) },
		"NATS":  func(t *testing.T, cfg *replicaConfig) { cfg.NATS = ownNATS(t) },
	} {
		t.Run(name, func(t *testing.T) {
			took := newWakes(t, broker).run(n)
			assert.Len(t, took, n, "woken")
			slices.Sort(took)
			at := func(percent int) time.Duration { return took[(len(took)-1)*percent/100] }
			t.Logf("%s: %d of %d woken; POST → waiter on another process: p50 %v, p90 %v, p99 %v, all %v", name, len(took), n, at(50), at(90), at(99), at(100))
			if measure {
				assert.LessOrEqual(t, at(50), 3*time.Millisecond)
			}
		})
	}
}

// wakes is a double of the API, a replica that gets webhooks, and a process that waits.
type wakes struct {
	t       *testing.T
	double  *postpresstest.Server
	cfg     replicaConfig
	url     string // for webhooks
	sender  *http.Client
	process *os.Process // that waits
	waiters io.Writer   // its standard input
	said    *bufio.Scanner
}

func newWakes(t *testing.T, broker func(*testing.T, *replicaConfig)) *wakes {
	w := &wakes{t: t, double: postpresstest.NewServer(postpresstest.WithHold(0))}
	t.Cleanup(w.double.Close)
	w.cfg = replicaConfig{APIURL: w.double.URL + "/v1", APIKey: "pp_test_wake", WebhookSecret: postpress.GenerateWebhookSecret(), LinkSecret: make([]byte, 32)}
	broker(t, &w.cfg)
	receiver, err := startReplica("receiver", w.cfg, &lines{to: io.Discard, began: time.Now()}, os.Stderr)
	require.NoError(t, err)
	t.Cleanup(receiver.stop)
	w.url = "http://" + receiver.addr + webhookPath
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	w.sender = &http.Client{Transport: transport}
	w.startWaiters()
	return w
}

func (w *wakes) startWaiters() {
	path, err := os.Executable()
	require.NoError(w.t, err)
	cmd := exec.Command(path, waitersArg)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(w.t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(w.t, err)
	require.NoError(w.t, cmd.Start())
	w.process, w.waiters, w.said = cmd.Process, stdin, bufio.NewScanner(stdout)
	w.t.Cleanup(func() {
		_ = stdin.Close()
		if w.t.Failed() {
			_ = w.process.Kill() // it may wait for what never comes
		}
		_ = cmd.Wait()
	})
	require.NoError(w.t, json.NewEncoder(stdin).Encode(w.cfg))
}

// run gives how long each waiter was woken after its webhook was sent.
func (w *wakes) run(n int) (took []time.Duration) {
	for first := 0; first < n; first += wakeCrowd {
		for i := range wakeCrowd {
			w.double.AddAccount(postpresstest.Account{ID: wakeID(first + i), Status: postpress.StatusConnecting})
		}
		fmt.Fprintln(w.waiters, first)
		require.True(w.t, w.said.Scan())
		require.Equal(w.t, "ready", w.said.Text())
		took = append(took, w.round(first)...)
	}
	return took
}

func (w *wakes) round(first int) (took []time.Duration) {
	sent := make([]time.Time, wakeCrowd)
	var events sync.WaitGroup
	began := time.Now()
	for i := range sent {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / wakeRate)))
		events.Go(func() { sent[i] = w.event(wakeID(first + i)) })
	}
	events.Wait()
	hang := time.AfterFunc(patience, func() { _ = w.process.Kill() }) // some do: they are not counted
	defer hang.Stop()
	for w.said.Scan() && w.said.Text() != "done" {
		number, nanos, _ := strings.Cut(w.said.Text(), " ")
		i, err1 := strconv.Atoi(number)
		at, err2 := strconv.ParseInt(nanos, 10, 64)
		require.NoError(w.t, cmp.Or(err1, err2))
		took = append(took, time.Unix(0, at).Sub(sent[i-first]))
	}
	return took
}

// event is a change of an account, and the webhook that tells of it.
func (w *wakes) event(id string) (sent time.Time) {
	if err := w.double.SetStatus(id, postpress.StatusOK); err != nil {
		w.t.Error(err)
	}
	body := strings.NewReader(`{"AccountStatus":{"account_id":"` + id + `","account_type":"WHATSAPP","message":"OK"}}`)
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url, body)
	if err != nil {
		w.t.Error(err)
		return sent
	}
	r.Header.Set(postpress.DefaultWebhookHeader, w.cfg.WebhookSecret)
	sent = time.Now()
	res, err := w.sender.Do(r)
	if err != nil {
		w.t.Error(err)
		return sent
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		w.t.Error(res.StatusCode)
	}
	return sent
}
