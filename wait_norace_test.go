//go:build !race

package postpress

// manyWaits are the ten thousand of the tests.
const manyWaits = 10000
