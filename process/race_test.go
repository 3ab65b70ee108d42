//go:build race

package process_test

// raceDetector says that programs of the test binary are slow and large.
const raceDetector = true
