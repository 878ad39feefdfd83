package postpresstest_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A rule says what is wrong with a JSON value, or "".
type rule func(v any) string

// shape is an object that has exactly these fields.
type shape map[string]rule

func (s shape) rule() rule {
	return func(v any) string {
		m, ok := v.(map[string]any)
		if !ok {
			return fmt.Sprintf("%v is no object", v)
		}
		for k := range m {
			if s[k] == nil {
				return "unknown field " + k
			}
		}
		for k, r := range s {
			field, ok := m[k]
			if !ok {
				return "missing field " + k
			}
			if wrong := r(field); wrong != "" {
				return k + ": " + wrong
			}
		}
		return ""
	}
}

func text(pattern string) rule {
	re := regexp.MustCompile(pattern)
	return func(v any) string {
		if s, ok := v.(string); !ok || !re.MatchString(s) {
			return fmt.Sprintf("%v does not match %s", v, pattern)
		}
		return ""
	}
}

func exactly(want ...any) rule {
	return func(v any) string {
		if !slices.Contains(want, v) {
			return fmt.Sprintf("%v is none of %v", v, want)
		}
		return ""
	}
}

func list(item rule) rule {
	return func(v any) string {
		items, ok := v.([]any)
		if !ok {
			return fmt.Sprintf("%v is no array", v)
		}
		for _, i := range items {
			if wrong := item(i); wrong != "" {
				return wrong
			}
		}
		return ""
	}
}

func nullOr(r rule) rule {
	return func(v any) string {
		if v == nil {
			return ""
		}
		return r(v)
	}
}

var (
	anyText   = text(``)
	someText  = text(`.`)
	accountID = text(`^acc_[0-7][0-9A-HJKMNP-TV-Z]{25}$`)
	utcMillis = text(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
	uuid      = text(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	provider  = exactly("MOBILE", "MAIL", "GOOGLE", "GOOGLE_OAUTH", "GOOGLE_CALENDAR", "ICLOUD", "OUTLOOK",
		"LINKEDIN", "WHATSAPP", "INSTAGRAM", "MESSENGER", "TELEGRAM", "TWITTER", "SLACK", "EXCHANGE")
	status = exactly("OK", "CONNECTING", "CREDENTIALS", "PERMISSIONS", "STOPPED", "ERROR")

	accountShape = shape{
		"object": exactly("Account"), "type": provider, "id": accountID, "name": anyText,
		"created_at": utcMillis, "last_fetched_at": utcMillis,
		"connection_params": shape{"im": shape{"phone_number": text(`^([1-9]\d{6,14})?$`)}.rule()}.rule(),
		"groups":            list(anyText),
		"signatures":        list(shape{"title": anyText, "content": anyText}.rule()),
		"sources":           list(shape{"id": someText, "status": status}.rule()),
	}
	webhookShape = shape{
		"object": exactly("Webhook"), "id": someText, "type": exactly("AUTO", "TRIGGER"), "name": anyText,
		"enabled": exactly(true, false), "request_url": text(`^https?://`), "format": exactly("json", "form"),
		"account_ids": list(shape{"id": accountID, "name": anyText, "type": provider}.rule()),
		"headers":     list(shape{"key": someText, "value": anyText}.rule()),
		"data":        list(shape{"name": anyText, "key": anyText}.rule()),
		"events":      list(someText),
	}
	qrText      = text(`^https://wa\.me/settings/linked_devices#[^,]+,[^,]{44},[^,]{44},[^,]{44},\d$`)
	pairingText = text(`^[1-9A-HJ-NP-TV-Z]{4}-[1-9A-HJ-NP-TV-Z]{4}$`)
)

func object(name string) shape { return shape{"object": exactly(name)} }

func (s shape) with(field string, r rule) shape {
	s[field] = r
	return s
}

func checkpointShape(c rule) shape {
	return object("Checkpoint").with("account_id", accountID).with("checkpoint", c)
}

func assertShape(t *testing.T, s shape, r reply) {
	t.Helper()
	assert.Equal(t, "application/json; charset=utf-8", r.header.Get("Content-Type"))
	assert.Empty(t, s.rule()(any(r.object(t))), r.body)
}

func assertAccount(t *testing.T, m map[string]any) {
	t.Helper()
	require.Empty(t, accountShape.rule()(m), m)
}

func assertProblem(t *testing.T, r reply) {
	t.Helper()
	assertShape(t, shape{
		"status": exactly(float64(r.status)), "type": text(`^errors/[a-z_]+$`), "title": text(`^[A-Z][a-z ]+$`),
		"detail": someText, "instance": text(`^/`),
	}, r)
}

func assertErrorEnvelope(t *testing.T, r reply) {
	t.Helper()
	assertShape(t, shape{"error": shape{
		"code": text(`^[a-z_]+$`), "message": someText, "request_id": uuid,
	}.rule()}, r)
	assert.Equal(t, r.header.Get("X-Request-Id"), r.object(t)["error"].(map[string]any)["request_id"])
}
