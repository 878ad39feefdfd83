package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/postpresstest"
)

// sandbox runs the program on a free port.
type sandbox struct {
	t      *testing.T
	url    string
	client *http.Client
}

const banner = "postpress sandbox listening on "

func startSandbox(t *testing.T, args ...string) *sandbox {
	ctx, cancel := context.WithCancel(context.Background())
	out, stdout := io.Pipe()
	var stderr bytes.Buffer
	code := make(chan int)
	go func() {
		c := run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), stdout, &stderr)
		_ = stdout.Close()
		code <- c
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(line, banner), line)
	transport := &http.Transport{}
	t.Cleanup(func() {
		cancel()
		rest, _ := io.ReadAll(out)
		assert.Empty(t, rest, "one line and no more")
		assert.Equal(t, exitOK, <-code, "ends cleanly")
		assert.Empty(t, stderr.String())
		transport.CloseIdleConnections()
	})
	return &sandbox{t: t, url: strings.TrimSpace(strings.TrimPrefix(line, banner)), client: &http.Client{Transport: transport}}
}

// do sends a request and reads the JSON object that must be the answer.
func (s *sandbox) do(method, path, body string) (int, map[string]any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	req.Header.Set("X-API-KEY", "pp_test_any")
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	require.NoError(s.t, err)
	defer func() { _ = resp.Body.Close() }()
	assert.Contains(s.t, resp.Header.Get("Content-Type"), "application/json")
	var m map[string]any
	require.NoError(s.t, json.NewDecoder(resp.Body).Decode(&m))
	return resp.StatusCode, m
}

func (s *sandbox) connect(body string) (id string, checkpoint map[string]any) {
	s.t.Helper()
	code, m := s.do("POST", "/v1/accounts", body)
	require.Equal(s.t, http.StatusAccepted, code)
	return m["account_id"].(string), m["checkpoint"].(map[string]any)
}

const whatsApp = `{"provider":"WHATSAPP"}`

func TestControls(t *testing.T) {
	s := startSandbox(t)
	id, _ := s.connect(whatsApp)
	control := "/_sandbox/accounts/" + id
	code, m := s.do("POST", control+"/scan", `{"phone":"4915112345678"}`)
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, map[string]any{"account_id": id, "status": "OK", "phone": "4915112345678"}, m)
	code, m = s.do("GET", "/api/v1/accounts/"+id, "")
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, "Account", m["object"])
	code, m = s.do("POST", control+"/status", `{"status":"CREDENTIALS"}`)
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, "CREDENTIALS", m["status"])

	id, checkpoint := s.connect(`{"provider":"WHATSAPP","pairing_phone_number":"33612345678"}`)
	control = "/_sandbox/accounts/" + id
	code, m = s.do("POST", control+"/pair", `{"code":"0000-0000"}`)
	assert.Equal(t, http.StatusBadRequest, code)
	assert.Contains(t, m["error"], "wrong or expired code")
	code, _ = s.do("POST", control+"/pair", `{"code":"`+checkpoint["code"].(string)+`"}`)
	assert.Equal(t, http.StatusOK, code)
	code, m = s.do("POST", control+"/scan", "")
	assert.Equal(t, http.StatusConflict, code)
	assert.Contains(t, m["error"], "no live authentication intent")

	id, _ = s.connect(whatsApp)
	code, m = s.do("POST", "/_sandbox/accounts/"+id+"/expire", "")
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, "", m["status"])
	code, _ = s.do("GET", "/v1/accounts/"+id, "")
	assert.Equal(t, http.StatusRequestTimeout, code)
}

func TestControlErrors(t *testing.T) {
	s := startSandbox(t)
	for path, want := range map[string]int{
		"/_sandbox/accounts/acc_none/scan":  http.StatusNotFound,
		"/_sandbox/accounts/acc_none/dance": http.StatusNotFound,
		"/_sandbox/requests":                http.StatusNotFound, // it is a GET
	} {
		code, m := s.do("POST", path, "")
		assert.Equal(t, want, code, path)
		assert.NotEmpty(t, m["error"], path)
	}
	id, _ := s.connect(whatsApp)
	for _, body := range []string{`{"phone":`, `[]`, `{"phone":7}`} {
		code, m := s.do("POST", "/_sandbox/accounts/"+id+"/scan", body)
		assert.Equal(t, http.StatusBadRequest, code)
		assert.Contains(t, m["error"], "JSON")
	}
	code, _ := s.do("POST", "/_sandbox/accounts/"+id+"/scan", `{"phone":"+33 6"}`)
	assert.Equal(t, http.StatusBadRequest, code)
}

func TestRequests(t *testing.T) {
	s := startSandbox(t)
	id, _ := s.connect(whatsApp)
	code, m := s.do("GET", "/_sandbox/requests", "")
	assert.Equal(t, http.StatusOK, code)
	all := m["requests"].([]any)
	require.Len(t, all, 1)
	first := all[0].(map[string]any)
	assert.Equal(t, "POST", first["method"])
	assert.Equal(t, "/accounts", first["path"])
	assert.Equal(t, whatsApp, first["body"])
	assert.InDelta(t, 202, first["status"], 0)
	text, err := json.Marshal(m)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "pp_test_any")
	assert.NotContains(t, string(text), id)
}

func TestDeliveries(t *testing.T) {
	s := startSandbox(t)
	received := make(chan string, 3)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		received <- r.Header.Get("Postpress-Auth")
	}))
	defer receiver.Close()
	code, _ := s.do("POST", "/v1/webhooks", `{"source":"account_status","request_url":"`+receiver.URL+`/hook",
		"events":["creation_success"],"headers":[{"key":"Postpress-Auth","value":"my-secret"}]}`)
	require.Equal(t, http.StatusCreated, code)
	id, _ := s.connect(whatsApp)
	s.do("POST", "/_sandbox/accounts/"+id+"/scan", "")
	assert.Equal(t, "my-secret", <-received)
	code, m := s.do("GET", "/_sandbox/deliveries", "")
	assert.Equal(t, http.StatusOK, code)
	all := m["deliveries"].([]any)
	require.Len(t, all, 1)
	d := all[0].(map[string]any)
	assert.Equal(t, "CREATION_SUCCESS", d["message"])
	assert.Equal(t, id, d["account_id"])
	assert.Equal(t, receiver.URL+"/hook", d["url"])
	assert.Contains(t, d["body"], `"AccountStatus"`)
	assert.Contains(t, []any{"sending", "delivered"}, d["outcome"])
	text, err := json.Marshal(m)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "my-secret")
}

func TestAutoScanAndHeldRequestsAtTheEnd(t *testing.T) {
	s := startSandbox(t, "-auto-scan", "1ms")
	id, _ := s.connect(whatsApp)
	code, m := s.do("GET", "/v1/accounts/"+id, "")
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, "OK", m["sources"].([]any)[0].(map[string]any)["status"])
}

// The double answers paths that a ServeMux would redirect.
func TestUncleanPaths(t *testing.T) {
	double := postpresstest.NewServer()
	defer double.Close()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/v1//accounts", nil)
	r.Header.Set("X-API-KEY", "k")
	newHandler(double).ServeHTTP(w, r)
	assert.Equal(t, http.StatusNotFound, w.Code)
}

func TestExitCodes(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = busy.Close() }()
	for _, c := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{"-addr", busy.Addr().String()}, exitFailed, "address already in use"},
		{[]string{"-addr", "nowhere"}, exitFailed, "missing port"},
		{[]string{"-adr", "x"}, exitUsage, "flag provided but not defined: -adr"},
		{[]string{"-auto-scan", "soon"}, exitUsage, "invalid value"},
		{[]string{"-auto-scan", "-1s"}, exitUsage, "must not be negative"},
		{[]string{"extra"}, exitUsage, `unexpected argument "extra"`},
		{[]string{"-h"}, exitOK, "host:port"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, c.code, run(t.Context(), c.args, &stdout, &stderr), c.args)
		assert.Contains(t, stderr.String(), c.stderr)
		assert.Empty(t, stdout.String())
	}
}

func TestReachable(t *testing.T) {
	actual := &net.TCPAddr{IP: net.IPv6zero, Port: 4711}
	assert.Equal(t, "localhost:4711", reachable(":0", actual))
	assert.Equal(t, "127.0.0.1:4711", reachable("127.0.0.1:0", actual))
	assert.Equal(t, "[::1]:4711", reachable("[::1]:http", actual))
}

func TestServeSaysWhyItEnded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.Error(t, serve(t.Context(), l, 0))
}
