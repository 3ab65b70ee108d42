package process

import (
	"bytes"
	"errors"
)

// proc is a line of the process table: what /proc/PID/stat says.
type proc struct {
	pid, ppid, pgrp, session int
	state                    byte   // R, S, D, T, t, Z, X, I
	threads                  int    // of a zombie: 1, or more while other threads of it live on
	start                    uint64 // clock ticks since boot; with the pid it names one process for ever
	cpu                      uint64 // user and system time in clock ticks
}

// gone reports whether nothing runs in the process any more. The first thread may have ended before others.
func (p proc) gone() bool {
	return p.state == 'X' || p.state == 'Z' && p.threads <= 1
}

var errStat = errors.New("not a line of /proc/PID/stat")

// parseStat reads the text of /proc/PID/stat. The name in parentheses may have any character.
func parseStat(b []byte) (proc, error) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 1 || end < open {
		return proc{}, errStat
	}
	var p proc
	pid, ok := decimal(bytes.TrimRight(b[:open], " "))
	if !ok {
		return proc{}, errStat
	}
	p.pid = int(pid)
	rest := b[end+1:]
	for field := 3; field <= 22; field++ {
		rest = bytes.TrimLeft(rest, " ")
		word := rest
		if i := bytes.IndexAny(rest, " \n"); i >= 0 {
			word, rest = rest[:i], rest[i:]
		} else {
			rest = nil
		}
		if len(word) == 0 {
			return proc{}, errStat
		}
		if field == 3 {
			p.state = word[0]
			continue
		}
		n, ok := decimal(word)
		if !ok {
			continue // negative: no field of ours
		}
		switch field {
		case 4:
			p.ppid = int(n)
		case 5:
			p.pgrp = int(n)
		case 6:
			p.session = int(n)
		case 14, 15:
			p.cpu += n
		case 20:
			p.threads = int(n)
		case 22:
			p.start = n
		}
	}
	return p, nil
}

// decimal reads decimal digits; strconv would need a string of each.
func decimal(b []byte) (uint64, bool) {
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' || n > 1<<59 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(b) > 0
}
