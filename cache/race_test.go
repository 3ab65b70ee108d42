//go:build race

package cache

// raceDetector is on: what takes no memory without it does with it.
const raceDetector = true
