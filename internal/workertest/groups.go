package workertest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Groups returns the folders of the control groups that drover, or the process
// package in a test, has made for a process. None is where they cannot be made.
func Groups(t testing.TB, pid int) (folders []string) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || !strings.Contains(parts[2], "/drover-") {
			continue
		}
		for _, hierarchy := range append(strings.Split(parts[1], ","), "unified", "") {
			folder := filepath.Join("/sys/fs/cgroup", hierarchy, parts[2])
			if _, err := os.Stat(folder); err == nil {
				folders = append(folders, folder)
				break
			}
		}
	}
	return folders
}

// CountGroups returns how many control groups there are beside those, them included.
func CountGroups(t testing.TB, folders []string) (n int) {
	t.Helper()
	for _, folder := range folders {
		groups, err := filepath.Glob(filepath.Join(filepath.Dir(folder), "*", "cgroup.procs"))
		if err != nil {
			t.Fatal(err)
		}
		n += len(groups)
	}
	return n
}
