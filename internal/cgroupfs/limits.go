package cgroupfs

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// unbounded is what version 1 calls no limit, and more.
const unbounded = 1 << 60

// Memory is what the group that leaves the least allows, in bytes.
type Memory struct{ Limit, Available uint64 }

// Memory looks at the group and at those around it; false where none has a limit.
func (g Groups) Memory() (Memory, bool) {
	group, v1 := g.V1["memory"]
	if !v1 {
		group = g.V2
	}
	least, found := Memory{}, false
	for _, folder := range group.up() {
		var m Memory
		var ok bool
		if v1 {
			m, ok = memoryOf(folder, []string{"memory.limit_in_bytes"}, "memory.usage_in_bytes", "total_inactive_file")
		} else {
			// Above memory.high a program is slowed down until it hardly moves.
			m, ok = memoryOf(folder, []string{"memory.max", "memory.high"}, "memory.current", "inactive_file")
		}
		if ok && (!found || m.Available < least.Available) {
			least, found = m, true
		}
	}
	return least, found
}

// memoryOf reads one group. What files were read into and nobody uses any more
// counts as used, but can be had.
func memoryOf(folder string, limits []string, usage, cold string) (Memory, bool) {
	limit := uint64(math.MaxUint64)
	for _, name := range limits {
		if n, ok := number(folder, name); ok {
			limit = min(limit, n)
		}
	}
	used, ok := number(folder, usage)
	if !ok || limit >= unbounded {
		return Memory{}, false
	}
	used -= min(used, field(folder, "memory.stat", cold))
	return Memory{Limit: limit, Available: limit - min(limit, used)}, true
}

// CPU is the quota of the group that has the smallest.
type CPU struct {
	Cores float64
	Used  float64 // seconds, by all that is in that group; 0 where the kernel does not tell
}

// CPU looks at the group and at those around it; false where none has a quota.
func (g Groups) CPU() (CPU, bool) {
	group, v1 := g.V1["cpu"]
	if !v1 {
		group = g.V2
	}
	least, found := CPU{}, false
	for _, folder := range group.up() {
		quota, period := quotaOf(folder, v1)
		if cores := quota / period; cores > 0 && (!found || cores < least.Cores) {
			least, found = CPU{Cores: cores, Used: usedOf(folder, v1)}, true
		}
	}
	return least, found
}

// quotaOf reads one group; the quota is 0 where there is none.
func quotaOf(folder string, v1 bool) (quota, period float64) {
	if v1 {
		quota, _ := number(folder, "cpu.cfs_quota_us") // -1 is no number here
		period, ok := number(folder, "cpu.cfs_period_us")
		if !ok || period == 0 {
			return 0, 1
		}
		return float64(quota), float64(period)
	}
	words := strings.Fields(text(folder, "cpu.max")) // max 100000
	if len(words) != 2 {
		return 0, 1
	}
	quota, err := strconv.ParseFloat(words[0], 64)
	period, err2 := strconv.ParseFloat(words[1], 64)
	if err != nil || err2 != nil || period <= 0 {
		return 0, 1
	}
	return quota, period
}

// usedOf is the CPU time of one group in seconds. In version 1 it is there where
// the controllers are mounted together, as they mostly are.
func usedOf(folder string, v1 bool) float64 {
	if v1 {
		nanoseconds, _ := number(folder, "cpuacct.usage")
		return float64(nanoseconds) / 1e9
	}
	return float64(field(folder, "cpu.stat", "usage_usec")) / 1e6
}

// Cores is how many CPUs the groups of this process let it use, as a whole
// number; 0 where they do not bound it.
func Cores() int {
	g, err := Own()
	if err != nil {
		return 0
	}
	cpu, _ := g.CPU()
	return int(math.Ceil(cpu.Cores))
}

func text(folder, name string) string {
	raw, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

func number(folder, name string) (uint64, bool) {
	n, err := strconv.ParseUint(text(folder, name), 10, 64)
	return n, err == nil
}

// field is a number in a file that has a name and a number in each line; 0 where it is not there.
func field(folder, file, name string) uint64 {
	for line := range strings.Lines(text(folder, file)) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == name {
			n, _ := strconv.ParseUint(words[1], 10, 64)
			return n
		}
	}
	return 0
}
