package monitor

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

var pageSize = uint64(os.Getpagesize())

// readUsage reads what one process uses, without allocating more than paths.
func readUsage(pid int) (usage, bool) {
	var buf [1024]byte
	dir := "/proc/" + strconv.Itoa(pid)
	text, err := readSmall(dir+"/stat", buf[:])
	if err != nil {
		return usage{}, false
	}
	u, ok := parseStat(text)
	if !ok {
		return usage{}, false
	}
	if text, err = readSmall(dir+"/statm", buf[:]); err == nil {
		resident, shared := parseStatm(text)
		u.rss, u.shared = resident*pageSize, min(resident, shared)*pageSize
	}
	u.openFiles = countFiles(dir + "/fd")
	return u, true
}

// countFiles returns the number of open descriptors. Since Linux 6.2 it is the
// size of the folder; older kernels say 0 and have to be asked for the names.
func countFiles(dir string) int {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return 0 // gone, or not ours to see
	}
	if st.Size > 0 {
		return int(st.Size)
	}
	return len(names(dir))
}

// names lists a folder; nothing where it cannot be read.
func names(dir string) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // only read
	list, err := f.Readdirnames(-1)
	if err != nil {
		return nil
	}
	return list
}

// readCounters reads what each thread and the whole process has counted.
func readCounters(pid int) (c counters, ok bool) {
	var buf [4096]byte
	dir := "/proc/" + strconv.Itoa(pid)
	for _, thread := range names(dir + "/task") {
		text, err := readSmall(dir+"/task/"+thread+"/status", buf[:])
		if err != nil {
			continue // it has ended
		}
		voluntary, involuntary := parseSwitches(text)
		c.voluntary, c.involuntary, ok = c.voluntary+voluntary, c.involuntary+involuntary, true
	}
	if text, err := readSmall(dir+"/io", buf[:]); err == nil { // that of another user is not ours to see
		c.read, c.written = parseIO(text)
	}
	return c, ok
}

// readFootprint has the kernel add up the pages of a process.
func readFootprint(pid int) (Footprint, bool) {
	var buf [4096]byte
	text, err := readSmall("/proc/"+strconv.Itoa(pid)+"/smaps_rollup", buf[:])
	if err != nil || len(text) == 0 {
		return Footprint{}, false
	}
	return parseFootprint(text), true
}

// readSmall reads a file of /proc that fits into buf, past the runtime's poller.
func readSmall(path string, buf []byte) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(fd) }() // only read
	for {
		n, err := unix.Read(fd, buf)
		if err != unix.EINTR { //nolint:errorlint // a bare errno
			return buf[:max(n, 0)], err
		}
	}
}
