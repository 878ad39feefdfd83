package redisbus_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/postpress-ai/postpress-go/linkhttp"
	"github.com/postpress-ai/postpress-go/postpresstest"
	"github.com/postpress-ai/postpress-go/statusbus/redisbus"
)

// linking is what each replica serves. The secret is the same on all of them.
func linking(client *redis.Client, double *postpresstest.Server) (*linkhttp.Handler, error) {
	store, err := redisbus.NewStore(client)
	if err != nil {
		return nil, err
	}
	return linkhttp.NewHandler(linkhttp.Config{
		Client:    double.Client(),
		Authorize: func(*http.Request) (string, error) { return "ada", nil }, // your own login
		Store:     store, Secret: []byte("32 random bytes, or more of them"),
		LeaseTime: 2 * time.Second, // how soon another replica goes on where one dies
	})
}

func send(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest(method, path, strings.NewReader(body)), httptest.NewRecorder()
	r.Header.Set("Content-Type", "application/json")
	h.ServeHTTP(w, r)
	return w
}

// An attempt is started on one replica, and watched on another.
func ExampleNewStore() {
	server, err := miniredis.Run() // takes the place of your Redis
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()}) // in truth, each replica has its own
	defer client.Close()
	double := postpresstest.NewServer() // takes the place of the API
	defer double.Close()
	replica1, err1 := linking(client, double)
	replica2, err2 := linking(client, double)
	if err1 != nil || err2 != nil {
		fmt.Println(err1, err2)
		return
	}
	defer replica1.Close()
	defer replica2.Close()

	started := send(replica1, "POST", "/links", `{}`)
	again := send(replica2, "POST", "/links", `{}`) // a click on another replica
	fmt.Println("one attempt:", started.Body.String() == again.Body.String())

	_ = double.Scan(double.Accounts()[0].ID) // what the person with the phone does
	id := strings.Split(started.Body.String(), `"`)[3]
	events := send(replica2, "GET", "/links/"+id+"/events", "").Body.String()
	fmt.Println("connected:", strings.Contains(events, `"state":"connected"`))
	// Output:
	// one attempt: true
	// connected: true
}

// Deployments that share a database of a Redis need a prefix each.
func ExampleWithPrefix() {
	server, err := miniredis.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()

	store, err := redisbus.NewStore(client, redisbus.WithPrefix("staging:link:"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = store.Swap(context.Background(), "attempt", nil, []byte("state"), 15*time.Minute)
	fmt.Println(server.Keys(), err)
	// Output: [staging:link:attempt] <nil>
}
