package qrdecode

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// zxing returns the text that gozxing reads in img, or "" if it reads none. A pure
// picture is an upright code with white around it and whole pixels per module;
// in any other the code has to be found first, as in a photo.
func zxing(t *testing.T, img image.Image, pure bool) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	hints := map[gozxing.DecodeHintType]any{}
	if pure {
		hints[gozxing.DecodeHintType_PURE_BARCODE] = true
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		t.Logf("gozxing (pure %v): %v", pure, err)
		return ""
	}
	return result.GetText()
}

// mustRead fails the test unless gozxing, and zbarimg if installed, read text.
func mustRead(t *testing.T, img image.Image, text string, pure bool) {
	t.Helper()
	if got := zxing(t, img, pure); got != text {
		t.Errorf("gozxing (pure %v) reads %q", pure, got)
	}
	zbarMustRead(t, img, text)
}

// zbarMustRead asks zbarimg, where it is installed.
func zbarMustRead(t *testing.T, img image.Image, text string) {
	t.Helper()
	zbarimg, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Log("zbarimg is not installed: gozxing alone has read this code")
		return
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(file, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), zbarimg, "--quiet", "--raw", file).Output()
	if got := strings.TrimSuffix(string(out), "\n"); err != nil || got != text {
		t.Errorf("zbarimg reads %q, %v", got, err)
	}
}
