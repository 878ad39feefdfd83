package qr

import "fmt"

const (
	defaultScale = 8
	defaultLabel = "QR code"

	// maxPixels bounds the edge of a picture: at 4096 a PNG takes 16 MiB while
	// it is drawn.
	maxPixels = 4096
)

// Level is the error correction level: how much of a code may be unreadable.
// A higher level makes a larger code, which at one size has smaller modules
// and scans worse. The zero Level is the default of the output: [LevelL] in a
// terminal, [LevelM] in a picture.
type Level int

// The levels with their capacity in bytes. A code of digits only, or of capital
// letters, digits and a few signs, holds more.
const (
	LevelL Level = iota + 1 // recovers about 7 % of the code, holds 2953 bytes
	LevelM                  // recovers about 15 %, holds 2331 bytes
	LevelQ                  // recovers about 25 %, holds 1663 bytes
	LevelH                  // recovers about 30 %, holds 1273 bytes
)

// Option changes how a code is drawn. Of two options that contradict each other
// the last one wins; a nil Option is ignored. An Option may be used by any
// number of calls, concurrently.
type Option func(*config)

// WithSize sets the edge of a picture, quiet zone included, in pixels: at most
// 4096, and no fewer than the code has modules. It replaces [WithScale].
//
// A PNG has exactly this size. Its modules get the largest whole number of
// pixels that fits; what remains becomes additional white border, shared between
// the opposite sides. An SVG is stretched to this size. [Terminal] ignores it.
// Leave phones 3 pixels per module: 219 for a text of 277 bytes.
func WithSize(pixels int) Option {
	return func(c *config) { c.size, c.bySize = pixels, true }
}

// WithScale sets the edge of one module of a picture in pixels: 8 by default, at
// least 1, and at most what keeps the picture within 4096 pixels. Phones want 3
// or more. It replaces [WithSize]. [Terminal] ignores it.
func WithScale(pixelsPerModule int) Option {
	return func(c *config) { c.scale, c.bySize = pixelsPerModule, false }
}

// WithLevel sets the error correction level. The zero Level is the default of
// the output.
func WithLevel(level Level) Option {
	return func(c *config) { c.level = level }
}

// WithLabel sets what a screen reader says and a browser shows as the tooltip of
// an SVG: "QR code" by default and for an empty label. Say what the code is for;
// never use the text of the code. Other outputs ignore it.
func WithLabel(label string) Option {
	return func(c *config) { c.label = label }
}

type config struct {
	level  Level
	scale  int  // pixels per module
	size   int  // pixels per picture
	bySize bool // size counts, not scale
	label  string
}

// newConfig applies opts and refuses values that are wrong for every code.
func newConfig(defaultLevel Level, opts []Option) (config, error) {
	c := config{scale: defaultScale}
	for _, opt := range opts {
		if opt != nil {
			opt(&c)
		}
	}
	if c.level == 0 {
		c.level = defaultLevel
	}
	if c.label == "" {
		c.label = defaultLabel
	}
	if c.level < LevelL || c.level > LevelH {
		return c, &InputError{"level", fmt.Sprintf("%d is unknown: use LevelL, LevelM, LevelQ or LevelH", c.level)}
	}
	field, pixels := "scale", c.scale
	if c.bySize {
		field, pixels = "size", c.size
	}
	if pixels < 1 || pixels > maxPixels {
		return c, &InputError{field, fmt.Sprintf("%d pixels is out of range: use 1 to %d", pixels, maxPixels)}
	}
	return c, nil
}

// layout returns the edge of the picture and of one module, in pixels, for a
// code with that many modules on an edge.
func (c config) layout(modules int) (size, scale int, err error) {
	if c.bySize {
		if c.size < modules {
			return 0, 0, &InputError{"size", fmt.Sprintf("%d pixels is too small: this code needs at least %d", c.size, modules)}
		}
		return c.size, c.size / modules, nil
	}
	if c.scale*modules > maxPixels {
		return 0, 0, &InputError{"scale", fmt.Sprintf("%d pixels is too large: use at most %d for this code", c.scale, maxPixels/modules)}
	}
	return c.scale * modules, c.scale, nil
}
