package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"
)

// mendedAfter is how long a place must take lines again before it counts as
// mended: on a disk that is almost full, some writes succeed.
const mendedAfter = time.Second

// troubles are the places that do not take lines, as a file on a full disk. They are
// told of once when it begins, and once when it is over, not for each line.
type troubles struct {
	count atomic.Int32 // of what is in places, so that a look costs nothing

	mu     sync.Mutex
	places map[string]*trouble
	tell   func(place string, err error, lost uint64) // may be nil
}

type trouble struct {
	lost uint64
	last time.Time // when it last failed
}

// any tells whether some place is in trouble.
func (t *troubles) any() bool { return t.count.Load() > 0 }

// note takes the outcome of a write, and what of it was not written.
func (t *troubles) note(place string, err error, rest []byte) {
	if path, ok := errors.AsType[*fs.PathError](err); ok && path.Op == "write" {
		err = path.Err // place says the rest
	}
	if tell, lost := t.change(place, err, uint64(bytes.Count(rest, newline))); tell != nil {
		tell(place, err, lost)
	}
}

// change returns whom to tell, nil where that is nobody, and how many lines the place has lost.
func (t *troubles) change(place string, err error, lost uint64) (func(string, error, uint64), uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.places[place]
	switch {
	case err == nil && known == nil, err == nil && time.Since(known.last) < mendedAfter:
		return nil, 0
	case err == nil:
		delete(t.places, place)
		t.count.Add(-1)
		return t.tell, known.lost
	case known != nil:
		known.lost, known.last = known.lost+lost, time.Now()
		return nil, 0
	}
	if t.places == nil {
		t.places = map[string]*trouble{}
	}
	t.places[place] = &trouble{lost, time.Now()}
	t.count.Add(1)
	return t.tell, lost
}

// forget is told that nothing more is written to a place.
func (t *troubles) forget(place string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.places[place] != nil {
		delete(t.places, place)
		t.count.Add(-1)
	}
}

// place names a sink for people.
func place(s sink) string {
	if f, ok := s.(*file); ok {
		return f.path
	}
	return standardError
}

const standardError = "standard error"

// complain says on standard error, which is not used where lines go to files, that a file is in trouble.
func (o *output) complain(place string, err error) {
	_, _ = fmt.Fprintf(o.stream, "drover: %s cannot be written: %v; what is logged there is lost\n", place, err) // there is nowhere left to say it
}
