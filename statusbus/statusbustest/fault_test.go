package statusbustest

import (
	"strings"

	"github.com/postpress-ai/postpress-go/statusbus"
)

// fault is what is wrong with an adapter.
type fault string

const (
	none           fault = ""
	noBarrier      fault = "Listen returns before it is active"
	oneOnly        fault = "one process gets each hint, as from a work queue"
	noEcho         fault = "the sender does not get its own hints"
	wildcard       fault = "* goes to everybody"
	wildcardKeys   fault = "whoever subscribes to > gets everything"
	foldsCase      fault = "keys are folded to lower case"
	trims          fault = "keys are trimmed"
	truncates      fault = "keys are cut at 500 bytes"
	dropsEmpty     fault = "the empty key is not sent"
	mangles        fault = "keys are made UTF-8"
	deliversOn     fault = "delivers after stop has returned"
	leaks          fault = "stop leaves a goroutine"
	keepsContext   fault = "ends with the context of Listen"
	ignoresContext fault = "Publish ignores its context"
	noGap          fault = "no Gap"
	gapsAtOnce     fault = "Gap when the connection is lost, none when it is back"
	gapsEarly      fault = "Gap before hints arrive again"
	deaf           fault = "Gap, but hints do not arrive again"
	swallows       fault = "Publish swallows errors"
	opensBroken    fault = "Listen returns nil without a connection"
	hangsBroken    fault = "stop hangs without a connection"
	busy           fault = "drops hints while it is busy"
	small          fault = "forgets all but 1,000 subscriptions"
)

// encode is what the publisher of a faulty adapter makes of a key.
func (b *broker) encode(key string) string {
	switch b.fault {
	case foldsCase:
		return strings.ToLower(key)
	case trims:
		return strings.TrimSpace(key)
	case truncates:
		return key[:min(len(key), 500)]
	case mangles:
		return strings.ToValidUTF8(key, "\ufffd")
	}
	return key
}

// deliver hands a hint to the receiver, as the fault has it.
func (b *broker) deliver(r statusbus.Receiver, key string) {
	switch {
	case b.fault == wildcard && key == "*":
		r.Gap()
	case b.fault == wildcardKeys:
		r.Hint(key)
		r.Hint(">")
	case b.fault == foldsCase:
		r.Hint(key)
		r.Hint(strings.ToUpper(key))
	case b.fault == trims && key != "":
		r.Hint(key)
		r.Hint(key + " ")
		r.Hint(" " + key)
	case b.fault == dropsEmpty && key == "":
	default:
		r.Hint(key)
	}
}
