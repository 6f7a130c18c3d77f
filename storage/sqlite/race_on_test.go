//go:build race

package sqlite

// raceDetector tells that everything takes ten times as long: tests of many cases look at a sample.
const raceDetector = true
