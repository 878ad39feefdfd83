package redisbus

import (
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// ConfigError is returned by New and NewStore for a client that does not fit: with
// it, something would get lost without anybody noticing, or calls would hang for ever.
type ConfigError struct {
	// Option names what is wrong, such as "redis.Options.ReadTimeout".
	Option string
	// Problem says why, and what to use instead.
	Problem string
}

// Error implements error.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("redisbus: %s: %s", e.Option, e.Problem)
}

// check looks for what makes a client give up, wait for ever, or ask the wrong
// server; ring and replicas say what is wrong with the latter. Clients of types that
// are not of go-redis are taken as they are.
func check(client redis.UniversalClient, ring, replicas string) error {
	switch c := client.(type) {
	case nil:
		return &ConfigError{"client", "is nil"}
	case *redis.Ring:
		return &ConfigError{"*redis.Ring", ring}
	case *redis.Client:
		o := c.Options()
		return checkTimeouts("redis.Options", o.ReadTimeout, o.WriteTimeout)
	case *redis.ClusterClient:
		o := c.Options()
		if o.ReadOnly { // RouteByLatency and RouteRandomly set it
			return &ConfigError{"redis.ClusterOptions.ReadOnly", replicas}
		}
		return checkTimeouts("redis.ClusterOptions", o.ReadTimeout, o.WriteTimeout)
	}
	return nil
}

// checkTimeouts gets the values that go-redis has made of those the user set:
// none, set as -1 or -2, has become 0 or -1.
func checkTimeouts(options string, read, write time.Duration) error {
	for _, o := range []struct {
		name  string
		value time.Duration
	}{{"ReadTimeout", read}, {"WriteTimeout", write}} {
		if o.value <= 0 {
			return &ConfigError{options + "." + o.name, "is switched off: on a connection that has died, go-redis would wait for ever and never connect again; leave it 0 for the default"}
		}
	}
	return nil
}
