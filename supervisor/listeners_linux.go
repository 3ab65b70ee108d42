package supervisor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/procfs"
)

// listenersOf says where processes listen for TCP connections, in words for an
// operator ("it listens on port 3000"), or "" when they do not or it cannot be seen.
func listenersOf(pids []int) string {
	if len(pids) == 0 {
		return ""
	}
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return ""
	}
	ports := make(map[uint64]uint64) // by inode of the listening socket
	add := func(lines procfs.NetTCP, err error) {
		if err != nil {
			return // no IPv6, for example
		}
		const listen = 0x0a
		for _, l := range lines {
			if l.St == listen {
				ports[l.Inode] = l.LocalPort
			}
		}
	}
	add(fs.NetTCP())
	add(fs.NetTCP6())
	mine := make(map[uint64]struct{})
	for _, pid := range pids {
		p, err := fs.Proc(pid)
		if err != nil {
			continue // gone
		}
		targets, err := p.FileDescriptorTargets()
		if err != nil {
			continue
		}
		for _, target := range targets {
			var inode uint64
			if !strings.HasPrefix(target, "socket:[") {
				continue
			}
			if _, err := fmt.Sscanf(target, "socket:[%d]", &inode); err != nil {
				continue
			}
			if port, ok := ports[inode]; ok {
				mine[port] = struct{}{}
			}
		}
	}
	switch found := slices.Sorted(maps.Keys(mine)); len(found) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("it listens on port %d", found[0])
	default:
		return fmt.Sprintf("it listens on ports %s", strings.Trim(fmt.Sprint(found), "[]"))
	}
}
