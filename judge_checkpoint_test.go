package postpress

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Since mid-2026 WhatsApp asks some people for a passkey after the scan: nobody
// can solve that by waiting.
func TestWaitEndsAtAnUnknownCheckpoint(t *testing.T) {
	passkey := `{"object":"Checkpoint","account_id":"` + waitID + `","checkpoint":{"type":"PASSKEY","x":1}}`
	for name, text := range map[string]string{
		"instead of the account": passkey,
		"within the account":     `{"object":"Account","id":"` + waitID + `","sources":[],"checkpoint":{"type":"PASSKEY","x":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t).answers(is(StatusConnecting), body(202, text))
				_, err := api.client.WaitForConnection(context.Background(), waitID)
				require.ErrorIs(t, err, ErrUnsupportedCheckpoint)
				var start *StartError
				require.ErrorAs(t, err, &start)
				assert.Equal(t, waitID, start.AccountID)
				assert.Equal(t, CheckpointType("PASSKEY"), start.Checkpoint.Type)
				assert.JSONEq(t, `{"type":"PASSKEY","x":1}`, string(start.Checkpoint.Raw))
				api.assertIdle()
			})
		})
	}
}

// The challenge that is being waited for says nothing new, nor does an account without sources.
func TestWaitGoesOnAtItsOwnCheckpoint(t *testing.T) {
	for name, text := range map[string]string{
		"QR code":      `{"object":"Checkpoint","account_id":"a","checkpoint":{"type":"QRCODE","qrcode":"2@secret"}}`,
		"pairing code": `{"object":"Checkpoint","account_id":"a","checkpoint":{"type":"PAIRING_CODE","code":"ABCD-1234"}}`,
		"no sources":   `{"object":"Account","id":"a","type":"WHATSAPP"}`,
		"null":         `{"object":"Account","id":"a","type":"WHATSAPP","checkpoint":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				api := newWaitAPI(t).answers(body(200, text), is(StatusOK))
				_, err := api.client.WaitForConnection(context.Background(), waitID)
				require.NoError(t, err)
			})
		})
	}
}
