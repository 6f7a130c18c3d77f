//go:build race

package actors

// raceDetector tells that everything takes ten times as long: long tests take bigger steps.
const raceDetector = true
