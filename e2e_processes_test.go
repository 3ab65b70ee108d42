package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// noneLeft fails the test when a process of the instance still lives after the given time, and ends it.
func (d *instance) noneLeft(within time.Duration) {
	d.t.Helper()
	deadline := time.Now().Add(within)
	for {
		left := d.processes()
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			for _, pid := range left {
				d.t.Errorf("after %v this process is left: %s", within, describe(pid))
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended at this moment
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// processes returns the pids of all that this instance runs: what has its mark in the environment or
// is its binary. Zombies have neither.
func (d *instance) processes() []int {
	var pids []int
	for _, pid := range allProcesses() {
		dir := filepath.Join("/proc", strconv.Itoa(pid))
		environ, _ := os.ReadFile(filepath.Join(dir, "environ")) // it may have ended at this moment
		exe, _ := os.Readlink(filepath.Join(dir, "exe"))
		if bytes.Contains(environ, []byte(markEnv+"="+d.dir+"\x00")) || strings.HasPrefix(exe, d.binary) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func allProcesses() []int {
	var pids []int
	entries, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well-formed
	for _, entry := range entries {
		if pid, err := strconv.Atoi(filepath.Base(entry)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// processStat returns the state letter and the parent of a process.
func processStat(pid int) (state string, parent int, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0, err
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 2 {
		return "", 0, fmt.Errorf("unexpected stat %q", raw)
	}
	parent, err = strconv.Atoi(fields[1])
	return fields[0], parent, err
}

func describe(pid int) string {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // it may have ended at this moment
	return fmt.Sprintf("%d %s", pid, strings.ReplaceAll(string(raw), "\x00", " "))
}

// environ returns what a process was given, entries separated by zero bytes.
func (d *instance) environ(pid int) string {
	d.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(raw)
}

// files is how many drover has open.
func (d *instance) files() int {
	d.t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	return len(entries)
}
