package supervisor

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// listenersOf says where processes listen for TCP connections, in words for an
// operator ("it listens on port 3000"), or "" when they do not or it cannot be seen.
func listenersOf(pids []int) string {
	mine := make(map[string]struct{}) // inodes of their sockets
	for _, pid := range pids {
		dir := "/proc/" + strconv.Itoa(pid) + "/fd/"
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // gone
		}
		for _, entry := range entries {
			target, err := os.Readlink(dir + entry.Name())
			if inode, ok := strings.CutPrefix(target, "socket:["); ok && err == nil {
				mine[strings.TrimSuffix(inode, "]")] = struct{}{}
			}
		}
	}
	if len(mine) == 0 {
		return ""
	}
	ports := make(map[int]struct{})
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue // no IPv6, for example
		}
		for line := range bytes.Lines(text) {
			if port, inode, ok := parseListener(string(line)); ok {
				if _, ok := mine[inode]; ok {
					ports[port] = struct{}{}
				}
			}
		}
	}
	switch found := slices.Sorted(maps.Keys(ports)); len(found) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("it listens on port %d", found[0])
	default:
		return fmt.Sprintf("it listens on ports %s", strings.Trim(fmt.Sprint(found), "[]"))
	}
}

// parseListener reads a line of /proc/net/tcp; false when it is no listening socket.
func parseListener(line string) (port int, inode string, ok bool) {
	const local, state, inodeField, listen = 1, 3, 9, "0A"
	fields := strings.Fields(line)
	if len(fields) <= inodeField || fields[state] != listen {
		return 0, "", false
	}
	_, hex, _ := strings.Cut(fields[local], ":")
	n, err := strconv.ParseUint(hex, 16, 16)
	return int(n), fields[inodeField], err == nil
}
