//go:build !race

package schema_test

// raceDetector tells that allocations cannot be counted: the detector makes some of its own.
const raceDetector = false
