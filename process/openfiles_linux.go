package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFiles returns what a program can be allowed of the open files that are wanted: only a
// privileged drover can give more than it was allowed itself.
func openFiles(wanted uint64) (allowed uint64, h Held) {
	h = Held{Bound: BoundOpenFiles, Level: LevelKernel}
	var own syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &own); err != nil || wanted <= own.Max {
		return wanted, h // where it cannot be read the shim will find out
	}
	most := own.Max
	if capable(unix.CAP_SYS_RESOURCE) {
		if text, err := os.ReadFile("/proc/sys/fs/nr_open"); err == nil {
			n, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64) // the kernel writes a number
			most = max(most, n)
		}
	}
	if wanted <= most {
		return wanted, h
	}
	h.Level, h.Why = LevelPartial, fmt.Sprintf("drover itself may open %d, and no more than that holds; raise its own limit (ulimit -n, LimitNOFILE=)", most)
	return most, h
}

// capable reports whether this process has a capability.
func capable(capability uint) bool {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return err == nil && set>>capability&1 == 1
		}
	}
	return false
}
