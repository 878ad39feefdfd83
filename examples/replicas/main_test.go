package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
	"github.com/postpress-ai/postpress-go/postpresstest"
)

// TestMain lets the test binary be the replicas too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case replicaArg:
			os.Exit(runReplica(context.Background(), os.Stdin, os.Stdout, os.Stderr))
		case waitersArg:
			os.Exit(runWaiters(os.Stdin, os.Stdout, os.Stderr))
		}
	}
	os.Exit(m.Run())
}

// output is written by the program and read by the test at the same time.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// patience bounds what has to come; a test that passes does not use it.
const patience = 90 * time.Second

// test is a program whose phone is quick.
func test() (p *program, out, errs *output) {
	out, errs = &output{}, &output{}
	return &program{out: &lines{to: out, began: time.Now()}, errs: errs, scanShow: 1, connectDelay: 200 * time.Millisecond}, out, errs
}

// startRedis starts a redis-server of its own, on a free port, ended by its id.
func startRedis(t *testing.T) (url string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil && os.Getenv("POSTPRESS_REQUIRE_BROKERS") != "1" {
		t.Skip("needs redis-server")
	}
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().(*net.TCPAddr)
	require.NoError(t, l.Close())
	cmd := exec.Command(path, "--bind", "127.0.0.1", "--port", fmt.Sprint(addr.Port), "--save", "", "--dir", t.TempDir())
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	client := redis.NewClient(&redis.Options{Addr: addr.String()})
	defer client.Close()
	require.Eventually(t, func() bool { return client.Ping(t.Context()).Err() == nil }, patience, 10*time.Millisecond)
	return "redis://" + addr.String()
}

func TestReplicas(t *testing.T) {
	for name, args := range map[string]func(t *testing.T) []string{
		"NATS":                      func(*testing.T) []string { return nil },
		"NATS of one's own":         func(t *testing.T) []string { return []string{"-nats", ownNATS(t)} },
		"Redis":                     func(t *testing.T) []string { return []string{"-redis", startRedis(t)} },
		"Redis in the test process": func(t *testing.T) []string { return []string{"-redis", "redis://" + miniredis.RunT(t).Addr()} },
	} {
		t.Run(name, func(t *testing.T) {
			p, out, errs := test()
			require.Equal(t, exitConnected, p.run(t.Context(), append(args(t), "-timeout", patience.String())), "%s%s", out, errs)
			assert.Empty(t, errs.String())
			assert.Regexp(t, `double of the API`, out)
			assert.Regexp(t, `replica 1: waiter: was woken, and has read that acc_\w{26} is OK\n`, out)
			assert.Regexp(t, `replica 2: webhook: acc_\w{26} says OK; published on the bus\n`, out)
			assert.NotContains(t, out.String(), "replica 1: webhook")
			broker, _, _ := strings.Cut(name, " ")
			assert.Regexp(t, `path: +API → replica 2 → `+broker+` → replica 1 → browser, in \d+\.\d ms\n$`, out)
		})
	}
}

func ownNATS(t *testing.T) string {
	server, err := startNATS()
	require.NoError(t, err)
	t.Cleanup(func() { server.Shutdown(); server.WaitForShutdown() })
	return server.ClientURL()
}

// The bar of the issue: a replica that is killed during a link loses no attempt, there
// is one account, and it was asked for once.
func TestReplicaIsKilled(t *testing.T) {
	for name, c := range map[string]struct {
		scanShow  int
		scanAfter time.Duration
		double    []postpresstest.Option
	}{
		"scanned while nobody waits":         {scanShow: 1},
		"scanned after the other takes over": {scanShow: 1, scanAfter: 3 * lease},
		"the other shows a new code":         {scanShow: 2, double: []postpresstest.Option{postpresstest.WithReissue(postpresstest.ReissueAlways)}},
	} {
		t.Run(name, func(t *testing.T) {
			p, out, errs := test()
			p.scanShow, p.scanAfter, p.double = c.scanShow, c.scanAfter, c.double
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			s := session{program: p, settings: settings{redis: startRedis(t), kill: true}}
			require.NoError(t, s.run(ctx), "%s%s", out, errs)
			assert.Regexp(t, `replica 2: waiter: was woken, and has read that acc_\w{26} is OK\n`, out)
			assert.Regexp(t, `path: .* has taken the attempt over`, out)
			assert.GreaterOrEqual(t, s.shows, c.scanShow)
			assertOneAccount(t, s.double)
		})
	}
}

func assertOneAccount(t *testing.T, double *postpresstest.Server) {
	t.Helper()
	created := 0
	for _, r := range double.Requests() {
		if r.Method == http.MethodPost && r.Path == "/accounts" {
			created++
		}
	}
	assert.Equal(t, 1, created, "requests that create an account")
	require.Len(t, double.Accounts(), 1)
	assert.Equal(t, postpress.StatusOK, double.Accounts()[0].Status)
}

func TestUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"not defined":    {"-nonsense"},
		"no arguments":   {"surplus"},
		"above 0":        {"-timeout", "0s"},
		"not both":       {"-redis", "redis://127.0.0.1", "-nats", "nats://127.0.0.1"},
		"cannot be read": {"-redis", "http://:hunter2@127.0.0.1"},
		"needs -redis":   {"-kill"},
	} {
		p, _, errs := test()
		assert.Equal(t, exitUsage, p.run(t.Context(), args), args)
		assert.Contains(t, errs.String(), want)
		assert.NotContains(t, errs.String(), "hunter2")
	}
	p, _, _ := test()
	assert.Equal(t, exitConnected, p.run(t.Context(), []string{"-h"}))
}

func TestFailures(t *testing.T) {
	p, _, errs := test()
	assert.Equal(t, exitFailed, p.run(t.Context(), []string{"-redis", "redis://127.0.0.1:1"}))
	assert.Contains(t, errs.String(), "replica 1 has ended")

	p, _, errs = test()
	p.scanShow = 9 // nobody scans
	assert.Equal(t, exitFailed, p.run(t.Context(), []string{"-timeout", "3s"}))
	assert.Contains(t, errs.String(), "not linked in time")

	p, _, errs = test()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	assert.Equal(t, exitInterrupted, p.run(ctx, nil))
	assert.Contains(t, errs.String(), "interrupted")

	code := runReplica(t.Context(), strings.NewReader("nonsense"), &output{}, errs)
	assert.Equal(t, exitUsage, code)
}
