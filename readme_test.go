package postpress_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postpress-ai/postpress-go/postpresstest"
)

// readmeBlocks gives the code blocks of a language in README.md.
func readmeBlocks(t *testing.T, language string) []string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllSubmatch(readme, -1) {
		blocks = append(blocks, string(m[1]))
	}
	require.NotEmpty(t, blocks)
	return blocks
}

// The fragments of the README stand, line by line, in readme_example_test.go,
// where the compiler and, for the examples with output, the tests see them.
func TestReadmeFragmentsAreCompiled(t *testing.T) {
	source, err := os.ReadFile("readme_example_test.go")
	require.NoError(t, err)
	adapter, err := os.ReadFile("statusbus/redisbus/readme_example_test.go") // the core does not depend on it
	require.NoError(t, err)
	source = append(append(source, '\n'), adapter...)
	for _, block := range readmeBlocks(t, "go") {
		if strings.HasPrefix(block, "package ") {
			continue
		}
		assert.Contains(t, withoutIndent(string(source)), withoutIndent(block))
	}
}

func withoutIndent(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return strings.Join(lines, "\n")
}

// The program of the README's first screen is run as it stands, against the double.
func TestReadmeProgramRuns(t *testing.T) {
	program := readmeBlocks(t, "go")[0]
	require.True(t, strings.HasPrefix(program, "package main"))
	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, []byte(program), 0o600))

	srv := postpresstest.NewServer(postpresstest.WithAutoScan(0))
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "run", file)
	cmd.Env = append(os.Environ(), "POSTPRESS_API_KEY=pp_test_readme", "POSTPRESS_BASE_URL="+srv.URL+"/v1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Regexp(t, regexp.MustCompile(`connected: acc_\w{26} \+\d{7,15}\n$`), string(out))
	assert.Contains(t, string(out), "▀", "the QR code")

	promised := readmeBlocks(t, "text")[0]
	assert.Regexp(t, regexp.MustCompile(`^connected: acc_\w{26} \+\d{7,15}\n$`), promised)
}
