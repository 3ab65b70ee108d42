package monitor

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestSampler_SeesRealProcesses(t *testing.T) {
	cmd := exec.Command("sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_, _ = cmd.Process.Kill(), cmd.Wait() // it ends by the signal
	}()
	m := NewSampler(20*time.Millisecond, func() []Target {
		return []Target{
			{ID: "me", PIDs: func() []int { return []int{os.Getpid()} }},
			{ID: "spin", PIDs: func() []int { return []int{cmd.Process.Pid} }},
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	m.OnSample = func(id string, s Sample) {
		if id == "spin" && s.CPUSeconds > 0.1 {
			cancel()
		}
	}
	if err := m.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if s, _ := m.Latest("spin"); s.CPUSeconds <= 0.1 || s.Processes != 1 {
		t.Errorf("a busy process: %+v", s)
	}
	if s, _ := m.Latest("me"); s.RSS < 1<<20 || s.OpenFiles < 3 || s.Threads < 2 || s.Processes != 1 {
		t.Errorf("this process: %+v", s)
	}
	if s, _ := m.Latest("me"); s.Shared == 0 || s.Shared >= s.RSS || s.VoluntarySwitches == 0 {
		t.Errorf("this process: %+v", s)
	}
	f, ok := m.Footprint("me")
	if !ok || f.PSS < 1<<20 || f.USS == 0 || f.USS > f.PSS {
		t.Errorf("footprint: %+v, %v", f, ok)
	}
	if again, ok := m.Footprint("me"); !ok || again != f {
		t.Errorf("a footprint is not kept: %+v", again)
	}
	if _, ok := m.Footprint("nobody"); ok {
		t.Error("a footprint of nobody")
	}
	h := m.Host()
	if h.CPU <= 0 || h.CPU > 1 || h.Cores < 1 || h.MemoryTotal < 1<<20 || h.MemoryAvailable == 0 || h.MemoryAvailable >= h.MemoryTotal {
		t.Errorf("host: %+v", h)
	}
	if h.Disk == nil || h.Disk.Total < 1<<20 || h.Disk.Available > h.Disk.Total {
		t.Errorf("disk: %+v", h.Disk)
	}
	if h.Network == nil {
		t.Error("no network")
	}
	if _, err := os.Stat("/proc/pressure/cpu"); err == nil && (h.Pressure == nil || h.Pressure.CPU < 0 || h.Pressure.CPU > 1) {
		t.Errorf("pressure: %+v", h.Pressure)
	}
}
