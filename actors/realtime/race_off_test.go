//go:build !race

package realtime_test

const raceDetector = false
