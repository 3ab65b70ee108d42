package monitor

import (
	"testing"
	"time"
)

func TestFootprint_IsMeasuredOnceAMinute(t *testing.T) {
	var f footprints
	reads := 0
	read := func(pid int) (Footprint, bool) {
		reads++
		return Footprint{PSS: uint64(pid) * 1000, USS: uint64(pid) * 100, Swap: 1}, pid != 3
	}
	got, ok := f.get(epoch, []int{1, 2, 3}, read)
	if want := (Footprint{At: epoch, PSS: 3000, USS: 300, Swap: 2}); !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	if again, ok := f.get(epoch.Add(59*time.Second), []int{1}, read); !ok || again != got || reads != 3 {
		t.Errorf("%+v, %v after %d reads", again, ok, reads)
	}
	if later, ok := f.get(epoch.Add(time.Minute), []int{1}, read); !ok || later.PSS != 1000 {
		t.Errorf("%+v, %v", later, ok)
	}
	if _, ok := new(footprints).get(epoch, []int{3}, read); ok {
		t.Error("a footprint of a process that is gone")
	}
}

func TestFootprint_ReadsTheKernelsText(t *testing.T) {
	text := "558f128ab000-7ffc5c5fb000 ---p 00000000 00:00 0   [rollup]\nRss:   1740 kB\nPss:    189 kB\nPss_Dirty:   112 kB\n" +
		"Shared_Clean: 1588 kB\nPrivate_Clean:   40 kB\nPrivate_Dirty:   112 kB\nSwap:   8 kB\nSwapPss:   1 kB\n"
	if got, want := parseFootprint([]byte(text)), (Footprint{PSS: 189 << 10, USS: 152 << 10, Swap: 8 << 10}); got != want {
		t.Errorf("%+v", got)
	}
}
