package postpress

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestGoVersion(t *testing.T) {
	for version, want := range map[string]string{
		"go1.26.0":                           "go1.26.0",
		"go1.25.3 X:jsonv2":                  "go1.25.3",
		"devel go1.27-3c8b1d2 Mon Jan 5":     "go1.27-3c8b1d2",
		"weekly.2012-03-27 +7a1b2c3d4e5f678": "go",
		"":                                   "go",
	} {
		assert.Equal(t, want, goVersion(version))
	}
}
