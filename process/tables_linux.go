package process

import (
	"sync"
	"time"
)

// tables shares readings of the process table.
type tables struct {
	reading sync.Mutex

	mu   sync.Mutex
	next *reading // is going to begin
	last *table   // the latest that was read
}

type reading struct {
	done  chan struct{}
	table *table
	err   error
}

// read returns a table that was begun after the call. All that ask while a reading is going on share
// the next one.
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
	defer t.reading.Unlock()
	t.mu.Lock()
	t.next = nil // who comes from now on needs a later one
	t.mu.Unlock()
	r.table, r.err = readTable()
	if r.err == nil {
		t.mu.Lock()
		t.last = r.table
		t.mu.Unlock()
	}
	close(r.done)
	return r.table, r.err
}

// recent returns a table that is at most age old and was begun after the given time.
func (t *tables) recent(age time.Duration, after time.Time) (*table, error) {
	t.mu.Lock()
	last := t.last
	t.mu.Unlock()
	if last != nil && last.begun.After(after) && time.Since(last.begun) <= age {
		return last, nil
	}
	return t.read()
}
