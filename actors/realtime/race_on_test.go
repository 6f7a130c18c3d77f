//go:build race

package realtime_test

const raceDetector = true
