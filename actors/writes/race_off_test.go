//go:build !race

package writes_test

// raceDetector tells that everything takes ten times as long: long tests take bigger steps.
const raceDetector = false
