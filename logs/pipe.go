package logs

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxLine is the longest line that is kept of what a worker writes; the rest is cut.
	maxLine = 64 << 10
	// recentLines is how many of a pool's lines are remembered.
	recentLines = 100
	// recentLineBytes is how much of each.
	recentLineBytes = 4 << 10
)

// pipe is one stream of a worker.
type pipe struct {
	r                    *os.File
	worker, pool, stream string
	recent               *tail
	share                *share // of the worker
}

// newPipe returns a pipe whose reading end can be given a deadline and whose
// writing end blocks, as programs expect of their standard output.
func newPipe() (r, w *os.File, err error) {
	var fds [2]int
	if err := cloexecPipe(fds[:]); err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "worker output"), os.NewFile(uintptr(fds[1]), "worker output"), nil
}

// expire ends the reading after d at the latest.
func (p *pipe) expire(d time.Duration) {
	if err := p.r.SetReadDeadline(time.Now().Add(d)); err != nil {
		_ = p.r.Close() // without deadlines, this ends the reader at once
	}
}

// lines calls each with every line until the end of the pipe, then closes it.
// cut tells that the line was longer than maxLine. line is reused.
func (p *pipe) lines(each func(line []byte, cut bool)) {
	buf, n, cutting := make([]byte, maxLine), 0, false
	for {
		m, err := p.r.Read(buf[n:])
		rest := buf[:n+m]
		for {
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				break
			}
			if !cutting {
				each(bytes.TrimSuffix(rest[:end], []byte{'\r'}), false)
			}
			rest, cutting = rest[end+1:], false
		}
		if len(rest) == len(buf) || (cutting && len(rest) > 0) {
			if !cutting {
				each(rest, true)
			}
			rest, cutting = nil, true
		}
		n = copy(buf, rest)
		if err != nil {
			if n > 0 {
				each(buf[:n], false)
			}
			_ = p.r.Close() // only read from
			return
		}
	}
}

func (p *pipe) appendJSON(b []byte, st *stamp, now time.Time, line []byte, cut bool) []byte {
	b = append(b, `{"ts":"`...)
	b = st.append(b, now)
	b = append(b, `","level":"info","component":"worker","worker":`...)
	b = appendString(b, p.worker)
	b = append(b, `,"pool":`...)
	b = appendString(b, p.pool)
	b = append(b, `,"stream":"`...)
	b = append(b, p.stream...)
	b = append(b, `","msg":`...)
	b = appendString(b, line)
	if cut {
		b = append(b, `,"cut":true`...)
	}
	return append(b, '}', '\n')
}

func (p *pipe) appendConsole(b []byte, st *stamp, now time.Time, line []byte, cut bool) []byte {
	b = st.append(b, now)
	b = append(b, '\t')
	b = append(b, p.worker...)
	b = append(b, '\t')
	b = appendPrintable(b, line)
	if cut {
		b = append(b, " …"...)
	}
	return append(b, '\n')
}

// tail remembers the newest lines. Its memory is bounded, and used again.
type tail struct {
	mu    sync.Mutex
	lines []recentLine
	next  int
}

type recentLine struct {
	worker string
	text   []byte
}

func newTail(n int) *tail { return &tail{lines: make([]recentLine, 0, n)} }

func (t *tail) add(worker string, line []byte) {
	if len(line) > recentLineBytes {
		line = line[:recentLineBytes]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) < cap(t.lines) {
		t.lines = append(t.lines, recentLine{worker, bytes.Clone(line)})
		return
	}
	l := &t.lines[t.next]
	l.worker, l.text = worker, append(l.text[:0], line...)
	t.next = (t.next + 1) % len(t.lines)
}

func (t *tail) last(n int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]string, 0, len(t.lines))
	for i := range t.lines {
		l := t.lines[(t.next+i)%len(t.lines)]
		all = append(all, l.worker+": "+string(appendPrintable(nil, l.text)))
	}
	return all[max(0, len(all)-n):]
}
