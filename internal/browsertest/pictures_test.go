package browsertest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// picture keeps a screenshot where POSTPRESS_SCREENSHOTS says.
func (b *tab) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("POSTPRESS_SCREENSHOTS")
	if dir == "" {
		dir = filepath.Join(b.t.TempDir(), "artefacts")
	}
	png := get(b, chromedp.FullScreenshot(100))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// scan reads the code off the screen as a phone would: the pixels, nothing else.
func (b *tab) scan() string {
	b.t.Helper()
	png := get(b, chromedp.Screenshot(chromedp.CSS("#qr")))
	cmd := exec.Command("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", "-")
	cmd.Stdin = bytes.NewReader(png)
	out, err := cmd.Output()
	if err != nil {
		b.t.Fatalf("zbarimg cannot read the code: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// What passes too quickly to be caught, or needs an API that fails, is shown as if
// the server had told it.
func TestPicturesOfTheRest(t *testing.T) {
	for name, s := range map[string]screen{"": desktop, "-dark": phoneDark} {
		b := open(t, serve(t), s)
		b.view("choose")
		for state, data := range map[string]string{
			"expired":      `{state: 'expired'}`,
			"connecting":   `{state: 'connecting'}`,
			"rate-limited": `{state: 'failed', code: 'unsupported', message: 'WhatsApp asks this account for a confirmation that is not supported here. Nothing was linked.'}`,
		} {
			js[bool](b, `step(`+data+`), true`)
			b.picture(state + name)
		}
	}
}
