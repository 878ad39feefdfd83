package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/postpresstest"
)

// output is written by run and read by the test at the same time.
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

func onDouble(t *testing.T) {
	t.Setenv("POSTPRESS_API_KEY", "")
	t.Setenv("TMPDIR", t.TempDir())
}

var picture = regexp.MustCompile(`QR code: (\S+\.svg)`)

func TestConnectByQRCode(t *testing.T) {
	onDouble(t)
	synctest.Test(t, func(t *testing.T) {
		var out, errs output
		done := make(chan int)
		go func() { done <- run(t.Context(), nil, &out, &errs) }()

		time.Sleep(time.Second) // synctest: the code is shown, nobody has scanned it
		path := picture.FindStringSubmatch(out.String())
		require.NotNil(t, path, out.String())
		info, err := os.Stat(path[1])
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "whoever reads the picture can link the account")
		svg, err := os.ReadFile(path[1])
		require.NoError(t, err)
		assert.Contains(t, string(svg), "<svg")

		assert.Equal(t, exitConnected, <-done, errs.String())
		assert.Empty(t, errs.String())
		assert.Regexp(t, `POSTPRESS_API_KEY is not set`, out.String())
		assert.Regexp(t, `\nConnected account acc_\w{26}\n  phone number  \+\d{7,15}\n  time taken    \d+(\.\d)?s\n$`, out.String())
		assert.NoFileExists(t, path[1], "the picture goes when it has served")
	})
}

func TestConnectByPairingCode(t *testing.T) {
	onDouble(t)
	synctest.Test(t, func(t *testing.T) {
		var out, errs output
		assert.Equal(t, exitConnected, run(t.Context(), []string{"-phone", "+33 6 12 34 56 78"}, &out, &errs), errs.String())
		assert.Regexp(t, `Pairing code:  [1-9A-Z]{4}-[1-9A-Z]{4}\n`, out.String())
		assert.Contains(t, out.String(), "Link with phone number instead")
		assert.Contains(t, out.String(), "phone number  +33612345678\n")
	})
}

// unscanned links an account that nobody scans.
func unscanned(ctx context.Context, timeout time.Duration) (code int, out, errs string, left []postpresstest.Account) {
	double := postpresstest.NewServer()
	defer double.Close()
	client := double.Client()
	defer client.Close()
	var o, e output
	l := linker{client: client, out: newScreen(&o), err: &e}
	defer l.removePicture()
	code = l.link(ctx, "", timeout)
	return code, o.String(), e.String(), double.Accounts()
}

func TestConnectInterrupted(t *testing.T) {
	onDouble(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		code, out, errs, left := unscanned(ctx, time.Hour)
		assert.Equal(t, exitInterrupted, code)
		assert.Regexp(t, `^connect: interrupted; removing account acc_\w{26}, .*\nconnect: postpress: linking account acc_\w{26}: .*cancelled\n$`, errs)
		assert.Empty(t, left, "what was created is deleted")
		assert.NoFileExists(t, picture.FindStringSubmatch(out)[1])
	})
}

// The same on the double, whose phone leaves it alone then.
func TestConnectInterruptedOnTheDouble(t *testing.T) {
	onDouble(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var out, errs output
		assert.Equal(t, exitInterrupted, run(ctx, nil, &out, &errs))
		assert.NotContains(t, out.String(), "Connected account")
		assert.Equal(t, exitNotInTime, run(t.Context(), []string{"-timeout", "1s"}, &out, &errs))
	})
}

// What was created is not left behind where it cannot be shown.
func TestConnectCannotDraw(t *testing.T) {
	onDouble(t)
	t.Setenv("TMPDIR", "/nonexistent")
	synctest.Test(t, func(t *testing.T) {
		code, _, errs, left := unscanned(t.Context(), time.Hour)
		assert.Equal(t, exitFailed, code)
		assert.Regexp(t, `^connect: the code cannot be shown: .*\nconnect: with -phone, `, errs)
		assert.Empty(t, left)
	})
}

func TestConnectNotInTime(t *testing.T) {
	onDouble(t)
	synctest.Test(t, func(t *testing.T) {
		code, _, errs, left := unscanned(t.Context(), time.Minute)
		assert.Equal(t, exitNotInTime, code)
		assert.Regexp(t, `^connect: postpress: linking account acc_\w{26}: .*its time is up\n$`, errs)
		assert.Empty(t, left)
	})
}

func TestConnectUsage(t *testing.T) {
	onDouble(t)
	for _, args := range [][]string{{"-nonsense"}, {"surplus"}, {"-timeout", "0s"}, {"-timeout", "x"}, {"-phone", "0612"}} {
		var out, errs output
		assert.Equal(t, exitUsage, run(t.Context(), args, &out, &errs), args)
		assert.NotEmpty(t, errs.String())
	}
	var out, errs output
	assert.Equal(t, exitConnected, run(t.Context(), []string{"-h"}, &out, &errs))
}

func TestConnectAgainstTheAPI(t *testing.T) {
	for name, test := range map[string]struct {
		status     int
		body, says string
		args       []string
	}{
		"wrong key":  {401, `{"status":401,"type":"errors/invalid_credentials","title":"Invalid credentials"}`, "check POSTPRESS_API_KEY", nil},
		"checkpoint": {200, `{"object":"Checkpoint","account_id":"acc_9","checkpoint":{"type":"PASSKEY"}}`, "account acc_9 exists and is not linked", nil},
		"HTML page":  {403, `<html><body><h1>Forbidden by the gateway</h1></body></html>`, "403 Forbidden: Forbidden by the gateway", nil},
		"pairing limited": {429, `{"status":429,"title":"Too many requests"}`, "link by QR code instead",
			[]string{"-phone", "+33612345678"}},
	} {
		t.Run(name, func(t *testing.T) {
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "3600") // beyond what the client waits for
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			defer api.Close()
			t.Setenv("POSTPRESS_API_KEY", "pp_test_secret")
			t.Setenv("POSTPRESS_BASE_URL", api.URL)
			var out, errs output
			assert.Equal(t, exitFailed, run(t.Context(), test.args, &out, &errs))
			assert.Contains(t, errs.String(), test.says)
			assert.NotContains(t, errs.String()+out.String(), "pp_test_secret")
		})
	}
	t.Run("bad base URL", func(t *testing.T) {
		t.Setenv("POSTPRESS_API_KEY", "k")
		t.Setenv("POSTPRESS_BASE_URL", "http://api.example.com")
		var out, errs output
		assert.Equal(t, exitUsage, run(t.Context(), nil, &out, &errs))
		assert.Contains(t, errs.String(), "https")
	})
}
