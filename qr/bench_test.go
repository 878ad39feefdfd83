package qr

import (
	"io"
	"testing"
)

func BenchmarkPNG(b *testing.B)      { benchmark(b, PNG) }
func BenchmarkSVG(b *testing.B)      { benchmark(b, SVG) }
func BenchmarkTerminal(b *testing.B) { benchmark(b, Terminal) }

func benchmark(b *testing.B, output func(io.Writer, string, ...Option) error) {
	b.ReportAllocs()
	for b.Loop() {
		if err := output(io.Discard, linkText); err != nil {
			b.Fatal(err)
		}
	}
}
