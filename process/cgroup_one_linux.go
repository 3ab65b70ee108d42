package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// cgroup is the control group of one program: a folder in each hierarchy that a bound needs.
type cgroup struct {
	owner   *cgroups
	folders []string
	memory  string // the folder that counts what was killed for want of memory; "": none
	kind    int    // version of its hierarchy

	mu    sync.Mutex
	gone  bool
	kills uint64 // when it was removed
}

// setting is a value for a file of a group. One that is optional may have no file.
type setting struct {
	file, value string
	optional    bool
}

const cpuPeriod = 100_000 // µs, the kernel's default

// settings are what a bound is in a hierarchy of the version.
func settings(controller string, version int, b Bounds) []setting {
	quota := strconv.Itoa(b.CPU * cpuPeriod / 100)
	memory := strconv.FormatInt(b.Memory, 10)
	switch {
	case controller == controlPIDs:
		return []setting{{file: "pids.max", value: strconv.Itoa(b.Processes)}}
	case controller == controlCPU && version == 1:
		return []setting{{file: "cpu.cfs_period_us", value: strconv.Itoa(cpuPeriod)}, {file: "cpu.cfs_quota_us", value: quota}}
	case controller == controlCPU:
		return []setting{{file: "cpu.max", value: fmt.Sprintf("%s %d", quota, cpuPeriod)}}
	case version == 1: // the second with swap, after the first, which it may not be below
		return []setting{{file: "memory.limit_in_bytes", value: memory}, {file: "memory.memsw.limit_in_bytes", value: memory, optional: true}}
	}
	return []setting{{file: "memory.max", value: memory}, {file: "memory.swap.max", value: "0", optional: true},
		{file: "memory.oom.group", value: "1", optional: true}}
}

// make makes the group that keeps those bounds that have a controller here; missing says why for
// each that has not. The group is nil when it would keep nothing.
func (c *cgroups) make(id string, b Bounds) (g *cgroup, missing map[string]string) {
	wanted := map[string]bool{controlMemory: b.Memory > 0, controlPIDs: b.Processes > 0, controlCPU: b.CPU > 0}
	missing = make(map[string]string)
	g = &cgroup{owner: c}
	name := c.name(id)
	for _, controller := range controllers {
		if !wanted[controller] {
			continue
		}
		if c.bases[controller] == "" {
			missing[controller] = c.why[controller]
			continue
		}
		folder := filepath.Join(c.bases[controller], name)
		if err := g.add(folder, settings(controller, c.kinds[controller], b)); err != nil {
			missing[controller] = "its control group cannot be set: " + plain(err)
			continue
		}
		if controller == controlMemory {
			g.memory, g.kind = folder, c.kinds[controller]
		}
	}
	if len(g.folders) == 0 {
		return nil, missing
	}
	return g, missing
}

// name returns one that no other group has, also none of which the kernel has not let go yet.
func (c *cgroups) name(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number++
	if id == "" || id != filepath.Base(id) {
		id = "program"
	}
	return fmt.Sprintf("%s-%d", id, c.number)
}

// add makes the folder, unless another controller of the same hierarchy has made it, and sets it.
func (g *cgroup) add(folder string, all []setting) error {
	if !slices.Contains(g.folders, folder) {
		if err := os.Mkdir(folder, 0o755); err != nil {
			return err
		}
		g.folders = append(g.folders, folder)
	}
	for _, s := range all {
		err := writeControl(folder, s.file, s.value)
		if err != nil && (!s.optional || !os.IsNotExist(err)) {
			return err
		}
	}
	return nil
}

// entrances are the files that the shim writes itself into.
func (g *cgroup) entrances() []string {
	var files []string
	for _, folder := range g.folders {
		files = append(files, filepath.Join(folder, "cgroup.procs"))
	}
	return files
}

// pids are the members of the group, wherever they went.
func (g *cgroup) pids() []int {
	if g == nil {
		return nil
	}
	return groupMembers(g.folders[0])
}

// outOfMemory reports whether the kernel has killed a member for want of memory.
func (g *cgroup) outOfMemory() bool {
	if g == nil || g.memory == "" {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.gone {
		g.kills = max(g.kills, oomKills(g.memory, g.kind))
	}
	return g.kills > 0
}

// charged is what counts against the group's memory limit, less the cache of files; false where nothing counts it.
func (g *cgroup) charged() (bytes uint64, ok bool) {
	if g == nil || g.memory == "" {
		return 0, false
	}
	file, prefix := "memory.current", ""
	if g.kind == 1 {
		file, prefix = "memory.usage_in_bytes", "total_" // with the groups below, as the usage is
	}
	usage, err := os.ReadFile(filepath.Join(g.memory, file))
	if err != nil {
		return 0, false // it is gone
	}
	stat, err := os.ReadFile(filepath.Join(g.memory, "memory.stat"))
	if err != nil {
		return 0, false
	}
	bytes, err = strconv.ParseUint(strings.TrimSpace(string(usage)), 10, 64)
	cache := countIn(stat, prefix+"inactive_file ") + countIn(stat, prefix+"active_file ")
	return bytes - min(bytes, cache), err == nil
}

// remove takes the group away; nothing runs in it any more.
func (g *cgroup) remove() {
	if g == nil {
		return
	}
	g.outOfMemory() // the last chance to count
	g.mu.Lock()
	g.gone = true
	g.mu.Unlock()
	g.owner.remove(g.folders)
}

// oomKills reads the count of a memory group.
func oomKills(folder string, version int) uint64 {
	file := "memory.events"
	if version == 1 {
		file = "memory.oom_control"
	}
	text, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		return 0
	}
	return countIn(text, "oom_kill ")
}

// countIn returns the number of the line that begins with the key, 0 where there is none.
func countIn(text []byte, key string) uint64 {
	for line := range bytes.Lines(text) {
		if n, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte(key)); ok {
			count, _ := strconv.ParseUint(string(n), 10, 64) // the kernel writes numbers
			return count
		}
	}
	return 0
}
