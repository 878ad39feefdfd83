//go:build race

package postpress

// manyWaits stays well below the 8,128 goroutines that the race detector can follow.
const manyWaits = 4000
