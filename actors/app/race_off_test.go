//go:build !race

package app

// raceDetector tells that everything takes ten times as long: long tests take bigger steps.
const raceDetector = false
