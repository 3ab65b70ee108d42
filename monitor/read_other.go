//go:build !linux

package monitor

import "time"

// readUsage needs /proc, and so Linux.
func readUsage(int) (usage, bool) { return usage{}, false }

func readCounters(int) (counters, bool) { return counters{}, false }

func readFootprint(int) (Footprint, bool) { return Footprint{}, false }

// hostReader has nothing to read on this system.
type hostReader struct{}

func newHostReader() *hostReader { return &hostReader{} }

func (*hostReader) read(now time.Time) HostSample { return HostSample{At: now} }
