package process

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// readTable looks at every process that /proc shows; one takes about 5 µs.
func readTable() (*table, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	procs := make(map[int]proc, len(names))
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, ok := readProc(pid); ok {
			procs[pid] = p
		}
	}
	return newTable(procs), nil
}

// readProc returns what is known of one process; false when there is none.
func readProc(pid int) (proc, bool) {
	var buffer [512]byte
	b, err := readSmall("/proc/"+strconv.Itoa(pid)+"/stat", buffer[:])
	if err != nil {
		return proc{}, false
	}
	p, err := parseStat(b)
	return p, err == nil
}

// readSmall reads the start of a file that the kernel makes up, as much as fits into b, without the
// poller's share of os.File.
func readSmall(path string, b []byte) ([]byte, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	n := 0
	for n < len(b) {
		m, err := syscall.Read(fd, b[n:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return b[:n], nil
}

// tables shares one reading of the process table among all that ask for it while another is going on.
type tables struct {
	reading sync.Mutex

	mu   sync.Mutex
	next *reading
}

type reading struct {
	done  chan struct{}
	table *table
	err   error
}

// read returns a table that was begun after the call.
func (t *tables) read() (*table, error) {
	t.mu.Lock()
	r := t.next
	mine := r == nil
	if mine {
		r = &reading{done: make(chan struct{})}
		t.next = r
	}
	t.mu.Unlock()
	if !mine {
		<-r.done
		return r.table, r.err
	}
	t.reading.Lock()
	t.mu.Lock()
	t.next = nil // who comes from now on needs a later one
	t.mu.Unlock()
	r.table, r.err = readTable()
	t.reading.Unlock()
	close(r.done)
	return r.table, r.err
}

// readEnviron returns the environment a process was started with; nil when it is not ours to read.
func readEnviron(pid int) []byte {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return nil
	}
	return b
}
