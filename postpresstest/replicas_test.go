package postpresstest

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// As if localhost were the name of another host.
func TestOnlyLoopbackIsDialled(t *testing.T) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://192.0.2.1:9/", nil)
	require.NoError(t, err)
	_, err = newLoopbackTransport().RoundTrip(req) //nolint:bodyclose // there is none
	require.ErrorContains(t, err, "192.0.2.1:9 is not a loopback address")
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.8.9.10": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.example.com": false, "10.0.0.1": false, "0.0.0.0": false, "127.0.0.1.example.com": false,
	} {
		assert.Equal(t, want, isLoopback(host), host)
	}
}
