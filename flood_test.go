package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// reader takes drover's log from a named pipe, as slowly as a disk that is busy.
type reader struct {
	mu    sync.Mutex
	lines int // of the flood
	cut   int // of those
	bytes int
}

var floodLine, cutLine = []byte(`"msg":"flood `), []byte(`"cut":true`)

// readLog reads all that drover logs until it ends. The settings name the file ${DIR}/log.
func (d *instance) readLog(pace time.Duration) *reader {
	d.t.Helper()
	path := filepath.Join(d.dir, "log")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		d.t.Fatal(err)
	}
	r := &reader{}
	go func() {
		f, err := os.Open(path) // when drover does
		if err != nil {
			return // the test does not come to start drover
		}
		defer func() { _ = f.Close() }() // only read
		in := bufio.NewReaderSize(f, 1<<20)
		for unpaced := 0; ; {
			line, err := in.ReadSlice('\n')
			r.note(line)
			if unpaced += len(line); unpaced > 1<<20 {
				unpaced = 0
				time.Sleep(pace)
			}
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				return // drover has ended
			}
		}
	}()
	return r
}

func (r *reader) note(line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes += len(line)
	if bytes.Contains(line, floodLine) {
		r.lines++
		if bytes.Contains(line, cutLine) {
			r.cut++
		}
	}
}

func (r *reader) seen() (lines, cut, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines, r.cut, r.bytes
}

const floodSettings = `
server: { listeners: [ { name: web, address: "${FRONT}", pool: app } ] }
admin: { address: "${ADMIN}" }
routes: [ { match: { path: /env }, pool: loud } ]
logging: { accessLog: { enabled: false }, files: [ { path: "${DIR}/log", maxSize: 1000GB } ] }
pools:
  app:
    command: [sh, -c, "(while echo still here; do sleep 0.1; done) & exec '${DROVER}' sample-app"]
    workers: 2
    healthCheck: { interval: 200ms }
  loud:
    command: FLOOD
    workers: 1
`

// startFlood starts a drover that has two ordinary workers and one that floods it.
func startFlood(t *testing.T, pace time.Duration, lines, size int) (*instance, *reader) {
	t.Helper()
	_, command := testWorker(t, "flood", strconv.Itoa(lines), strconv.Itoa(size))
	d := newInstance(t)
	r := d.readLog(pace)
	d.start("run", "-c", d.settings(strings.Replace(floodSettings, "FLOOD", command, 1)))
	d.waitReady()
	return d, r
}

// flooded waits until the flood is over and returns how long it took.
func (d *instance) flooded() (seconds float64) {
	d.t.Helper()
	d.eventually("the flood is over", func() (err error) {
		_, body := d.request("GET", "/env?name=FLOODED", "")
		seconds, err = strconv.ParseFloat(body, 64)
		return err
	})
	return seconds
}

// A worker that writes more than anything can take: it is not held up, nobody else
// is, drover's memory is bounded, and each line is either there or counted as lost.
func TestFault_FloodOfLog(t *testing.T) {
	t.Parallel()
	lines, pace := 400_000, 100*time.Millisecond
	switch {
	case raceEnabled: // it looks at each byte, slowly
		lines, pace = 50_000, time.Second
	case long():
		lines = 30_000_000
	}
	d, r := startFlood(t, pace, lines, 1000)
	l := startLoad(d, 50, homeKind())
	took := d.flooded()
	l.end().noFailure(t, "GET")
	d.eventually("each line is there or counted", func() error {
		there, _, _ := r.seen()
		lost := int(d.metric(`drover_log_lines_lost_total{kind="worker"}`))
		if there+lost != lines || lost < lines/10 {
			return fmt.Errorf("%d are there, %d are lost, of %d", there, lost, lines)
		}
		return nil
	})
	_, _, read := r.seen()
	t.Logf("%.0f MB/s came, %d MB were read", float64(lines)/1000/took, read>>20)
	if written := lines * 1000; written < 3*read {
		t.Errorf("%d MB were written while %d MB were read: the worker waited for the log", written>>20, read>>20)
	}
	d.keepsMemory(96 << 20)
	if w := d.workers(); len(w) != 3 || w[0].Generation+w[1].Generation+w[2].Generation != 3 {
		t.Errorf("the workers are %+v", w)
	}
	d.eventually("the losses are told of, seldom, and are its own", func() error {
		_, out, _ := d.cli("events")
		told := regexp.MustCompile(`log-dropped +(\S+)`).FindAllStringSubmatch(out, -1)
		if len(told) == 0 || len(told) > 8 || slices.ContainsFunc(told, func(m []string) bool { return m[1] != "loud-1.1" }) {
			return fmt.Errorf("%v", told)
		}
		return nil
	})
}

func TestFault_LineOf100MB(t *testing.T) {
	t.Parallel()
	d, r := startFlood(t, 0, 3, 100_000_000)
	d.flooded()
	d.eventually("the lines are there, cut", func() error {
		if lines, cut, _ := r.seen(); lines != 3 || cut != 3 {
			return fmt.Errorf("%d lines, %d of them cut", lines, cut)
		}
		return nil
	})
	if lost := d.metric(`drover_log_lines_lost_total{kind="worker"}`); lost != 0 {
		t.Errorf("%v lines are lost", lost)
	}
	d.keepsMemory(96 << 20)
	d.hello()
}
