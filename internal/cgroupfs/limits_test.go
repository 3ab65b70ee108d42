package cgroupfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fake makes groups as files of a folder: "path/file" -> content.
func fake(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// v2 are the groups of a process in path where all is of version 2.
func v2(dir, path string) Groups {
	return Find(fmt.Sprintf("30 23 0:26 / %s rw - cgroup2 cgroup2 rw\n", dir), "0::"+path+"\n")
}

// v1 are the same where each controller has a hierarchy.
func v1(dir, path string) Groups {
	var mounts, own strings.Builder
	for i, name := range []string{"memory", "cpu"} {
		fmt.Fprintf(&mounts, "3%d 23 0:26 / %s/%s rw - cgroup cgroup rw,%s\n", i, dir, name, name)
		fmt.Fprintf(&own, "%d:%s:%s\n", i, name, path)
	}
	return Find(mounts.String(), own.String())
}

func TestMemory_IsThatOfTheTightestGroup(t *testing.T) {
	f := func(g Groups, limit, available uint64) {
		t.Helper()
		got, ok := g.Memory()
		if want := (Memory{limit, available}); got != want || ok != (limit > 0) {
			t.Errorf("%+v, %v, want %+v", got, ok, want)
		}
	}
	two := fake(t, map[string]string{
		"pod/memory.max": "1000", "pod/memory.high": "max", "pod/memory.current": "700", "pod/memory.stat": "anon 300\ninactive_file 250\nactive_file 150",
		"pod/app/memory.max": "max", "pod/app/memory.high": "max", "pod/app/memory.current": "600", "pod/app/memory.stat": "inactive_file 0",
		"pod/app/low/memory.max": "900", "pod/app/low/memory.high": "500", "pod/app/low/memory.current": "490",
		"pod/over/memory.max": "100", "pod/over/memory.current": "120",
		"free/memory.max": "max", "free/memory.current": "5",
		"cold/memory.max": "100", "cold/memory.current": "20", "cold/memory.stat": "inactive_file 30",
	})
	f(v2(two, "/pod"), 1000, 550)
	f(v2(two, "/pod/app"), 1000, 550)
	f(v2(two, "/pod/app/low"), 500, 10)
	f(v2(two, "/pod/over"), 100, 0)
	f(v2(two, "/free"), 0, 0)
	f(v2(two, "/cold"), 100, 100)
	f(v2(two, "/"), 0, 0) // the root has none of these files
	f(v2(two, "/gone"), 0, 0)
	f(Groups{}, 0, 0)
	one := fake(t, map[string]string{
		"memory/memory.limit_in_bytes": "9223372036854771712", "memory/memory.usage_in_bytes": "123456",
		"memory/c/memory.limit_in_bytes": "4000", "memory/c/memory.usage_in_bytes": "3000", "memory/c/memory.stat": "inactive_file 1\ntotal_inactive_file 500",
	})
	f(v1(one, "/"), 0, 0)
	f(v1(one, "/c"), 4000, 1500)
	f(v1(one, "/c/below"), 4000, 1500)
}

func TestCPU_IsThatOfTheTightestGroup(t *testing.T) {
	f := func(g Groups, want CPU) {
		t.Helper()
		if got, ok := g.CPU(); got != want || ok != (want.Cores > 0) {
			t.Errorf("%+v, %v, want %+v", got, ok, want)
		}
	}
	two := fake(t, map[string]string{
		"pod/cpu.max": "150000 100000", "pod/cpu.stat": "usage_usec 2500000\nuser_usec 1",
		"pod/app/cpu.max": "max 100000", "pod/app/cpu.stat": "usage_usec 7",
		"pod/half/cpu.max": "25000 50000",
		"odd/cpu.max":      "100000", "zero/cpu.max": "1 0",
	})
	f(v2(two, "/pod"), CPU{1.5, 2.5})
	f(v2(two, "/pod/app"), CPU{1.5, 2.5})
	f(v2(two, "/pod/half"), CPU{0.5, 0})
	for _, path := range []string{"/", "/odd", "/zero", "/gone"} {
		f(v2(two, path), CPU{})
	}
	one := fake(t, map[string]string{
		"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000",
		"cpu/c/cpu.cfs_quota_us": "200000", "cpu/c/cpu.cfs_period_us": "100000", "cpu/c/cpuacct.usage": "1500000000",
		"cpu/c/zero/cpu.cfs_quota_us": "1", "cpu/c/zero/cpu.cfs_period_us": "0",
	})
	f(v1(one, "/"), CPU{})
	f(v1(one, "/c"), CPU{2, 1.5})
	f(v1(one, "/c/zero"), CPU{2, 1.5})
}
