package logs

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// flushEarly is how full a shard gets before the writer is woken ahead of its time.
	flushEarly = 256 << 10
	// keepBuffer is the largest buffer that is kept for the next lines; a larger
	// one was needed by a burst and is given back.
	keepBuffer = 1 << 20
	// closeTimeout bounds how long a stuck disk or terminal can hold up the end.
	closeTimeout = 2 * time.Second
)

// queue carries whole lines from any number of goroutines to one that writes
// them. A producer appends to a buffer under a short lock and never waits for
// the writer; when limit bytes wait in the buffer the line is dropped and counted.
type queue struct {
	out    *output
	limit  int           // bytes that one shard holds
	delay  time.Duration // how long lines are gathered before they are written; 0: not at all
	shards []shard

	dropped  atomic.Uint64
	onDrop   func(lines uint64) // called when lines were dropped, without a lock; may be nil
	wake     chan struct{}
	full     chan struct{}
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{}

	flushing sync.Mutex // held while lines are on their way to out, so that they stay in order
}

// shard is one buffer. Producers take whichever shard is free, so they hardly
// ever wait for each other.
type shard struct {
	mu    sync.Mutex
	buf   []byte // waiting lines
	turn  uint64 // how often buf was taken to be written
	spare []byte // what buf becomes when it is taken to be written
	stamp stamp
	_     [64]byte // keeps the locks of two shards on different cache lines
}

func newQueue(out *output, shards, limit int, delay time.Duration) *queue {
	q := &queue{
		out: out, limit: limit, delay: delay, shards: make([]shard, shards),
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go q.run()
	return q
}

// lock returns a shard with its lock held and room for a line, or nil when the
// line is to be dropped; it is counted then.
func (q *queue) lock() *shard {
	first := 0
	if n := uint32(len(q.shards)); n > 1 {
		first = int(rand.Uint32N(n))
	}
	s := &q.shards[first]
	if !s.mu.TryLock() {
		s = q.lockAny(first)
	}
	if len(s.buf) >= q.limit {
		s.mu.Unlock()
		q.drop(1)
		return nil
	}
	return s
}

// share is what one of those who fill a queue of one shard has in it.
type share struct {
	turn  uint64
	bytes int
}

// lockShare is lock for a queue that nobody is to fill alone: each may have as
// much in it as is free. One that floods it gets half, two a third each, and so on, and
// there is room for the lines of the others.
func (q *queue) lockShare(of *share) *shard {
	s := &q.shards[0]
	s.mu.Lock()
	if of.turn != s.turn {
		*of = share{turn: s.turn}
	}
	if of.bytes >= q.limit-len(s.buf) {
		s.mu.Unlock()
		q.drop(1)
		return nil
	}
	return s
}

// unlockShare is unlock for lockShare.
func (q *queue) unlockShare(s *shard, before int, of *share) {
	of.bytes += len(s.buf) - before
	q.unlock(s, before)
}

func (q *queue) lockAny(first int) *shard {
	for i := 1; i < len(q.shards); i++ {
		if s := &q.shards[(first+i)%len(q.shards)]; s.mu.TryLock() {
			return s
		}
	}
	s := &q.shards[first]
	s.mu.Lock()
	return s
}

// unlock gives back a shard to whose buffer a line was appended at before.
func (q *queue) unlock(s *shard, before int) {
	after := len(s.buf)
	s.mu.Unlock()
	if before == 0 {
		signal(q.wake)
	}
	if before < flushEarly && after >= flushEarly {
		signal(q.full)
	}
}

// put appends a copy of a line that ends in a newline.
func (q *queue) put(line []byte) {
	s := q.lock()
	if s == nil {
		return
	}
	before := len(s.buf)
	s.buf = append(s.buf, line...)
	q.unlock(s, before)
}

func (q *queue) drop(lines uint64) {
	q.dropped.Add(lines)
	if q.onDrop != nil {
		q.onDrop(lines)
	}
}

func (q *queue) run() {
	defer close(q.done)
	for {
		select {
		case <-q.wake:
		case <-q.stop:
			q.flush()
			return
		}
		if q.delay > 0 {
			t := time.NewTimer(q.delay)
			select {
			case <-t.C:
			case <-q.full:
			case <-q.stop:
			}
			t.Stop()
		}
		q.flush()
	}
}

// flush writes what waits. It returns when the lines were handed to the
// operating system or were lost to an error, which counts them as dropped.
func (q *queue) flush() {
	q.flushing.Lock()
	defer q.flushing.Unlock()
	for i := range q.shards {
		s := &q.shards[i]
		s.mu.Lock()
		lines := s.buf
		s.buf, s.spare = s.spare[:0], nil
		s.turn++
		s.mu.Unlock()
		if len(lines) > 0 {
			if n := q.out.write(lines); n < len(lines) {
				q.drop(uint64(bytes.Count(lines[n:], newline)))
			}
		}
		if cap(lines) > keepBuffer {
			lines = nil
		}
		s.mu.Lock()
		s.spare = lines[:0]
		s.mu.Unlock()
	}
}

// close writes what waits and ends the writer. A writer that is stuck is left
// behind after closeTimeout. Lines put later are never written.
func (q *queue) close() {
	q.stopOnce.Do(func() { close(q.stop) })
	t := time.NewTimer(closeTimeout)
	defer t.Stop()
	select {
	case <-q.done:
	case <-t.C:
	}
}

var newline = []byte{'\n'}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
