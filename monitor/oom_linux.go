package monitor

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

// OOMKills returns how many processes the kernel has killed for want of memory
// in the control group that drover runs in; false when it cannot be told.
func OOMKills() (uint64, bool) { return oomKills("/proc/self/cgroup", "/sys/fs/cgroup") }

// oomKills reads the counter of cgroup v2 or, where that is not mounted, of v1.
func oomKills(self, root string) (uint64, bool) {
	groups, err := os.ReadFile(self)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		var folder, file string
		switch {
		case parts[0] == "0" && parts[1] == "":
			folder, file = root, "memory.events"
		case parts[1] == "memory":
			folder, file = filepath.Join(root, "memory"), "memory.oom_control"
		default:
			continue
		}
		// In a container without a cgroup namespace the path is the host's, and
		// what is mounted is the container's own group.
		for _, path := range []string{filepath.Join(folder, parts[2], file), filepath.Join(folder, file)} {
			if n, ok := oomCount(path); ok {
				return n, true
			}
		}
	}
	return 0, false
}

// oomCount reads the line "oom_kill N".
func oomCount(path string) (uint64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false // a hybrid system has the lines of both versions and the files of one
	}
	for line := range bytes.Lines(text) {
		if n, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("oom_kill ")); ok {
			return digits(n), true
		}
	}
	return 0, false
}
