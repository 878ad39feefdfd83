package linkhttp

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go"
)

func TestWhatIsStoredIsSealed(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	s := newSealer(secret)
	slot, err := s.slot("ada@example.com", postpress.LinkRequest{}, 0)
	require.NoError(t, err)
	rec := record{
		Nonce: newNonce(), User: "ada@example.com", Event: event{Seq: 1, QR: testQR},
		Request: postpress.LinkRequest{
			PhoneNumber: "33612345678", ExpectPhoneNumber: "33612345678",
			Proxy: &postpress.Proxy{Protocol: "http", Host: "h", Port: 1, Password: "hunter2"},
		},
		Link: &postpress.LinkRecord{AccountID: "acc_1"},
	}
	value, err := s.seal(slot, &rec)
	require.NoError(t, err)
	for _, hidden := range []string{"ada", "336", "wa.me", "hunter2", "acc_1", rec.Nonce} {
		assert.NotContains(t, string(value), hidden)
		assert.NotContains(t, slot, hidden)
	}
	read, err := newSealer(secret).open(slot, value) // of another replica
	require.NoError(t, err)
	assert.Equal(t, rec, *read, "everything that resuming needs is there")

	_, err = s.open("another-slot", value)
	assert.Error(t, err, "moved to another slot")
	value[len(value)-1] ^= 1
	_, err = s.open(slot, value)
	assert.Error(t, err, "tampered with")
	_, err = newSealer([]byte("another secret of thirty-two byte")).open(slot, value)
	assert.Error(t, err)
}

func TestSlots(t *testing.T) {
	s := newSealer(nil)
	seen := map[string]bool{}
	for _, user := range []string{"ada", "eve"} {
		for _, req := range []postpress.LinkRequest{
			{}, {PhoneNumber: "33612345678"}, {PhoneNumber: "33612345679"}, {AccountID: "a"}, {ExpectPhoneNumber: "33612345678"},
			{Country: "FR"}, {Proxy: &postpress.Proxy{Host: "h"}}, {Proxy: &postpress.Proxy{Host: "h", Password: "p"}},
		} {
			slot, err := s.slot(user, req, 0)
			require.NoError(t, err)
			again, err := s.slot(user, req, 0)
			require.NoError(t, err)
			assert.Equal(t, slot, again)
			assert.False(t, seen[slot], "%s %v", user, req)
			seen[slot] = true
			next, err := s.slot(user, req, 1)
			require.NoError(t, err)
			assert.NotEqual(t, slot, next)
			_, _, ok := splitID(slot + newNonce())
			assert.True(t, ok)
		}
	}
	one, err := newSealer(nil).slot("ada", postpress.LinkRequest{}, 0)
	require.NoError(t, err)
	assert.False(t, seen[one], "without a secret nobody can tell the ids of others")
}
