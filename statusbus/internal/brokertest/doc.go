// Package brokertest is what the tests of the adapters share: it starts, pauses
// and kills real brokers, cuts connections, and lets a crowd wait meanwhile.
// Brokers are started by the tests on a free port of the loopback interface, and
// ended by their process id.
package brokertest
