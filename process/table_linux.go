package process

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// readTable looks at every process that /proc shows; one takes about 3 µs.
//
// The list is read first and each process then. One that forked in between and ended would be missed
// together with its child, so when one is gone the list is read again.
func readTable() (*table, error) {
	const rounds = 5 // short-lived processes of others come and go on a busy machine
	begun := time.Now()
	procs := make(map[int]proc)
	seen := make(map[int]struct{})
	for range rounds {
		pids, err := listPIDs("/proc")
		if err != nil {
			return nil, fmt.Errorf("list processes: %w", err)
		}
		lost := false
		for _, pid := range pids {
			if _, ok := seen[pid]; ok {
				continue
			}
			seen[pid] = struct{}{}
			if p, ok := readProc(pid); ok {
				procs[pid] = p
			} else {
				lost = true
			}
		}
		if !lost {
			break
		}
	}
	return newTable(begun, procs), nil
}

// listPIDs returns the processes of /proc, or the threads of /proc/PID/task.
func listPIDs(path string) ([]int, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	pids := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// readProc returns what is known of one process; false when there is none.
func readProc(pid int) (proc, bool) { return readStat("/proc/" + strconv.Itoa(pid)) }

func readStat(folder string) (proc, bool) {
	var buffer [512]byte
	b, err := readSmall(folder+"/stat", buffer[:])
	if err != nil {
		return proc{}, false
	}
	p, err := parseStat(b)
	return p, err == nil
}

// threadStates returns the states of all threads of a process; its own is that of the first alone.
func (p proc) threadStates() []byte {
	if p.threads <= 1 {
		return []byte{p.state}
	}
	folder := "/proc/" + strconv.Itoa(p.pid) + "/task/"
	threads, _ := listPIDs(folder) // it may have ended: then there are none
	var states []byte
	for _, id := range threads {
		if thread, ok := readStat(folder + strconv.Itoa(id)); ok {
			states = append(states, thread.state)
		}
	}
	return states
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

// readEnviron returns the environment a process was started with; nil when it is not ours to read.
func readEnviron(pid int) []byte {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return nil
	}
	return b
}
