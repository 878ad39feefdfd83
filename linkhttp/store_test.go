package linkhttp_test

import (
	"testing"

	"github.com/postpress-ai/postpress-go/linkhttp"
	"github.com/postpress-ai/postpress-go/linkhttp/linkhttptest"
)

func TestMemoryStore(t *testing.T) {
	var both linkhttp.Store
	n := 0
	linkhttptest.TestStore(t, func() linkhttp.Store { // two of the same data
		if n++; n%2 == 1 {
			both = linkhttp.NewMemoryStore()
		}
		return both
	})
}
