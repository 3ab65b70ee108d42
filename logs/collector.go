package logs

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/drover-proxy/drover/event"
)

// workerComponent is the name under which logging.levels filters the workers'
// lines. The general level does not: what an application says is its own affair.
const workerComponent = "worker"

// Collector turns what workers write to standard output and standard error into
// structured lines {worker, pool, stream, msg}. Its methods may be called concurrently.
type Collector struct {
	logs *Logs
	bus  *event.Bus
	lost *announcer

	mu     sync.Mutex
	pipes  map[*pipe]struct{}
	recent map[string]*tail // by pool
	closed bool
	done   sync.WaitGroup // the readers
}

// NewCollector returns a collector that logs into l and tells lost lines on bus, which may be nil.
func NewCollector(l *Logs, bus *event.Bus) *Collector {
	c := &Collector{logs: l, bus: bus, pipes: map[*pipe]struct{}{}, recent: map[string]*tail{}}
	c.lost = newAnnouncer(c.announceLost)
	return c
}

// Open returns the files that a worker is given as standard output and standard
// error. The caller closes them when the worker was started. What comes out of
// them is read until every process that inherited them closed its copies.
func (c *Collector) Open(workerID, pool string) (stdout, stderr *os.File, err error) {
	out, stdout, err := c.pipe(workerID, pool, "stdout")
	if err != nil {
		return nil, nil, err
	}
	errs, stderr, err := c.pipe(workerID, pool, "stderr")
	if err != nil {
		return nil, nil, errors.Join(err, out.r.Close(), stdout.Close())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, errors.Join(fmt.Errorf("collect output of worker %s: %w", workerID, os.ErrClosed),
			out.r.Close(), stdout.Close(), errs.r.Close(), stderr.Close())
	}
	if c.recent[pool] == nil {
		c.recent[pool] = newTail(recentLines)
	}
	both := new(share)
	for _, p := range []*pipe{out, errs} {
		p.recent, p.share = c.recent[pool], both
		c.pipes[p] = struct{}{}
		c.done.Go(func() { c.read(p) })
	}
	return stdout, stderr, nil
}

func (c *Collector) pipe(workerID, pool, stream string) (*pipe, *os.File, error) {
	r, w, err := newPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("collect %s of worker %s: %w", stream, workerID, err)
	}
	return &pipe{r: r, worker: workerID, pool: pool, stream: stream}, w, nil
}

// Last returns the last lines that workers of the pool wrote, at most n and at
// most a hundred, oldest first, each as "WORKER: LINE".
func (c *Collector) Last(pool string, n int) []string {
	c.mu.Lock()
	t := c.recent[pool]
	c.mu.Unlock()
	if t == nil {
		return nil
	}
	return t.last(n)
}

// Release is told that a worker's process tree is gone. What is in its pipes is
// still read; if a process that left the tree holds them open, they are closed
// after a second.
func (c *Collector) Release(workerID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := range c.pipes {
		if p.worker == workerID {
			p.expire(time.Second)
		}
	}
}

// Close reads what is in the pipes, for at most a second if others hold them
// open, and ends the readers.
func (c *Collector) Close() {
	c.mu.Lock()
	c.closed = true
	for p := range c.pipes {
		p.expire(time.Second)
	}
	c.mu.Unlock()
	c.done.Wait()
	c.lost.close()
}

// read takes lines from a pipe until its end.
func (c *Collector) read(p *pipe) {
	p.lines(func(line []byte, cut bool) {
		p.recent.add(p.worker, line)
		if !c.write(p, line, cut) {
			c.lost.note(p.worker, 1)
		}
	})
	c.mu.Lock()
	delete(c.pipes, p)
	c.mu.Unlock()
}

// write puts a line into the log and reports whether it had room.
func (c *Collector) write(p *pipe, line []byte, cut bool) bool {
	set := c.logs.settings.Load()
	if least, ok := set.levels[workerComponent]; ok && least > zapcore.InfoLevel {
		return true
	}
	q := c.logs.worker
	s := q.lockShare(p.share)
	if s == nil {
		return false
	}
	before := len(s.buf)
	now := time.Now()
	if set.console {
		s.buf = p.appendConsole(s.buf, &s.stamp, now, line, cut)
	} else {
		s.buf = p.appendJSON(s.buf, &s.stamp, now, line, cut)
	}
	q.unlockShare(s, before, p.share)
	return true
}

func (c *Collector) announceLost(lost map[string]uint64) {
	for worker, n := range lost {
		c.logs.Logger("logs").Warn("output of a worker was lost because it could not be written fast enough",
			zap.String("worker", worker), zap.Uint64("lines", n))
		c.bus.Publish(event.Event{
			Kind: event.LogDropped, Subject: worker,
			Message: fmt.Sprintf("%d lines of output were lost because they could not be written fast enough", n),
			Attrs:   map[string]any{"lines": n},
		})
	}
}
