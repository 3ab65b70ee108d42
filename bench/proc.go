package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpuTime is what a process tree has used.
type cpuTime struct{ user, system time.Duration }

func (c cpuTime) total() time.Duration { return c.user + c.system }

func (c cpuTime) minus(o cpuTime) cpuTime { return cpuTime{c.user - o.user, c.system - o.system} }

// clockTick is the unit of /proc/PID/stat: USER_HZ is 100 on every Linux that Go supports.
const clockTick = 10 * time.Millisecond

// stat is the part of /proc/PID/stat that bench reads.
type stat struct {
	parent int
	cpu    cpuTime
}

func readStat(pid int) (stat, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(raw)
}

// parseStat starts behind the last parenthesis: a program's name may hold spaces and parentheses.
func parseStat(raw []byte) (stat, error) {
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 13 {
		return stat{}, fmt.Errorf("unexpected /proc/PID/stat: %q", raw)
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return stat{}, fmt.Errorf("parent in /proc/PID/stat: %w", err)
	}
	ticks := func(field string) time.Duration {
		n, _ := strconv.ParseInt(field, 10, 64) // the kernel prints a number
		return time.Duration(n) * clockTick
	}
	return stat{parent: parent, cpu: cpuTime{user: ticks(fields[11]), system: ticks(fields[12])}}, nil
}

// tree returns root and its descendants.
func tree(root int) []int {
	children := make(map[int][]int)
	dirs, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well-formed
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if s, err := readStat(pid); err == nil {
			children[s.parent] = append(children[s.parent], pid)
		}
	}
	pids := []int{root}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children[pids[i]]...)
	}
	return pids
}

// rss returns the resident bytes of a process, 0 when it is gone.
func rss(pid int) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// peakRSS returns the most resident bytes that a process has had.
func peakRSS(pid int) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parsePeakRSS(string(raw))
}

func parsePeakRSS(status string) (int64, error) {
	for line := range strings.SplitSeq(status, "\n") {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("no VmHWM in /proc/PID/status: %q", status)
}
