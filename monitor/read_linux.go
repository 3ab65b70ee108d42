package monitor

import (
	"os"
	"strconv"
	"time"

	"github.com/prometheus/procfs"
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
		u.rss = parseStatm(text) * pageSize
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
	f, err := os.Open(dir)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }() // only read
	names, err := f.Readdirnames(-1)
	if err != nil {
		return 0
	}
	return len(names)
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

// hostReader reads the machine's counters; not for concurrent use.
type hostReader struct {
	fs         procfs.FS
	err        error
	busy, idle float64 // seconds at the last read
	known      bool
}

func newHostReader() *hostReader {
	h := &hostReader{}
	h.fs, h.err = procfs.NewDefaultFS()
	return h
}

// read returns the present sample; what cannot be read is zero.
func (h *hostReader) read(now time.Time) HostSample {
	s := HostSample{At: now}
	if h.err != nil {
		return s
	}
	if stat, err := h.fs.Stat(); err == nil {
		c := stat.CPUTotal
		s.Cores = len(stat.CPU)
		// User holds guest time already.
		busy, idle := c.User+c.Nice+c.System+c.IRQ+c.SoftIRQ+c.Steal, c.Idle+c.Iowait
		if all := busy + idle - h.busy - h.idle; h.known && all > 0 {
			s.CPU = min(max((busy-h.busy)/all, 0), 1)
		}
		h.busy, h.idle, h.known = busy, idle, true
	}
	if mem, err := h.fs.Meminfo(); err == nil {
		if mem.MemTotalBytes != nil {
			s.MemoryTotal = *mem.MemTotalBytes
		}
		if mem.MemAvailableBytes != nil {
			s.MemoryAvailable = *mem.MemAvailableBytes
		}
	}
	return s
}
