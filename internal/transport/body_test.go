package transport

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTrapOversizedBody(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 8*testLimit))
	_ = z.Close()

	for name, h := range map[string]http.HandlerFunc{
		"announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(testLimit+1))
			w.WriteHeader(http.StatusOK)
		},
		"not announced": func(w http.ResponseWriter, _ *http.Request) {
			for range 8 {
				_, _ = w.Write(make([]byte, testLimit))
			}
		},
		"gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		},
	} {
		base, _ := serve(t, h)
		tr := newTransport(t, base, nil, instant)
		_, err := tr.Do(t.Context(), post("key"))
		f := failure(t, err)
		assert.Equal(t, TooLarge, f.Kind, name)
		assert.ErrorIs(t, err, ErrBodyTooLarge, name)
		assert.Equal(t, 1, f.Attempts, name)
		assert.True(t, f.Unsure, name)
		tr.CloseIdle()
	}
}

func TestReadAll(t *testing.T) {
	text := strings.Repeat("0123456789", 20<<10) // beyond the first read
	for _, size := range []int{0, 1, 2047, 2048, 2049, firstRead - 1, firstRead, firstRead + 1, len(text)} {
		want := text[:size]
		for _, announced := range []int64{-1, 0, int64(size)} {
			for name, r := range map[string]io.Reader{
				"whole": strings.NewReader(want), "with EOF": iotest.DataErrReader(strings.NewReader(want)),
				"halves": iotest.HalfReader(strings.NewReader(want)),
			} {
				got, err := readAll(r, announced, int64(size))
				require.NoError(t, err, name)
				require.Equal(t, want, string(got), name)
			}
		}
		if size > 0 {
			_, err := readAll(strings.NewReader(want), -1, int64(size-1))
			assert.ErrorIs(t, err, ErrBodyTooLarge)
			_, err = readAll(iotest.DataErrReader(strings.NewReader(want)), -1, int64(size-1))
			assert.ErrorIs(t, err, ErrBodyTooLarge)
		}
	}
	_, err := readAll(iotest.ErrReader(errReset), -1, 10)
	assert.ErrorIs(t, err, errReset)
}

// untouched fails the test when it is read.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("read although it is announced too large")
	return 0, io.EOF
}

func TestAnnouncedLength(t *testing.T) {
	_, err := readAll(untouched{t}, 11, 10)
	assert.ErrorIs(t, err, ErrBodyTooLarge)

	// A length announced and not sent costs no more than the first read.
	data, err := readAll(strings.NewReader("{}"), 5<<20, 10<<20)
	require.NoError(t, err)
	assert.LessOrEqual(t, cap(data), firstRead+1)
}

// closes remembers that it was closed.
type closes struct {
	io.Reader
	closed bool
}

func (c *closes) Close() error { c.closed = true; return nil }

func TestBodyIsAlwaysClosed(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader("{}"), "too large": bytes.NewReader(make([]byte, testLimit+1)), "cut": iotest.ErrReader(errors.New("cut")),
	} {
		body := &closes{Reader: r}
		_, client := play(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: body, ContentLength: -1, Request: req}, nil
		})
		_, _ = newTransport(t, "http://api.test", client).Do(t.Context(), post(""))
		assert.True(t, body.closed, name)
	}
}

// Doubles such as httpmock's often leave Body and Header nil.
func TestNilBodyIsEmpty(t *testing.T) {
	_, client := play(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 204}, nil })
	resp, err := newTransport(t, "http://api.test", client).Do(t.Context(), get())
	require.NoError(t, err)
	assert.Equal(t, 204, resp.StatusCode)
	assert.Empty(t, resp.Body)
}

func TestHeadAnnouncesWhatIsNotSent(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(100*testLimit))
	})
	tr := newTransport(t, base, nil)
	defer tr.CloseIdle()
	resp, err := tr.Do(t.Context(), &Request{Method: http.MethodHead, Path: "/export"})
	require.NoError(t, err)
	assert.Equal(t, strconv.Itoa(100*testLimit), resp.Header.Get("Content-Length"))
	assert.Empty(t, resp.Body)
}
