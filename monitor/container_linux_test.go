package monitor

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/cgroupfs"
)

func TestContainer_ReadsWhatIsUsedOfIt(t *testing.T) {
	dir := t.TempDir()
	set := func(file, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := containerReader{groups: cgroupfs.Find("30 23 0:26 / "+dir+" rw - cgroup2 cgroup2 rw\n", "0::/\n")}
	f := func(second int, want Container) {
		t.Helper()
		if got := r.read(epoch.Add(time.Duration(second) * time.Second)); got != want {
			t.Errorf("after %d s: %+v, want %+v", second, got, want)
		}
	}
	f(0, Container{})
	set("memory.max", "1000")
	set("memory.current", "400")
	set("cpu.max", "150000 100000")
	set("cpu.stat", "usage_usec 10000000")
	f(1, Container{Cores: 1.5, MemoryTotal: 1000, MemoryAvailable: 600})
	set("cpu.stat", "usage_usec 11500000")
	f(3, Container{Cores: 1.5, CPU: 0.5, MemoryTotal: 1000, MemoryAvailable: 600})
	set("cpu.stat", "usage_usec 15500000") // the quota may be passed for a moment
	f(5, Container{Cores: 1.5, CPU: 1, MemoryTotal: 1000, MemoryAvailable: 600})
	set("cpu.stat", "usage_usec 0")
	f(6, Container{Cores: 1.5, MemoryTotal: 1000, MemoryAvailable: 600})
}

func TestHostSample_SpareIsTheLessOfBoth(t *testing.T) {
	f := func(h HostSample, want uint64) {
		t.Helper()
		if got := h.Spare(); got != want {
			t.Errorf("%+v: %d, want %d", h, got, want)
		}
	}
	f(HostSample{}, 0)
	f(HostSample{MemoryTotal: 100, MemoryAvailable: 50}, 50)
	f(HostSample{MemoryTotal: 100, MemoryAvailable: 50, Container: Container{MemoryTotal: 40, MemoryAvailable: 30}}, 30)
	f(HostSample{MemoryTotal: 100, MemoryAvailable: 20, Container: Container{MemoryTotal: 40, MemoryAvailable: 30}}, 20)
	f(HostSample{Container: Container{MemoryTotal: 40, MemoryAvailable: 30}}, 30)
}
