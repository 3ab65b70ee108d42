package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Warmer fills a store with what the settings name. It may be used again.
type Warmer struct {
	Store *Store
	Items []Item
	Files []string // of items: a JSON list, or one in each line
}

// Warm stores all items, with replace also where a key has a value already. It
// returns how many it stored, and what could not be used; the rest is stored
// all the same.
func (w *Warmer) Warm(replace bool) (int, error) {
	stored := 0
	var all []error
	for _, item := range w.Items {
		done, err := w.Store.put(item, replace)
		if err != nil {
			all = append(all, fmt.Errorf("%s of namespace %s: %w", item.Key, item.Namespace, err))
		}
		if done {
			stored++
		}
	}
	for _, path := range w.Files {
		n, err := w.Store.warmFile(path, replace)
		stored += n
		all = append(all, err)
	}
	return stored, errors.Join(all...)
}

// warmFile stores the items of a file.
func (s *Store) warmFile(path string, replace bool) (int, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("warm the cache: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	list, err := beginsList(file)
	if err != nil {
		return 0, fmt.Errorf("warm the cache from %s: %w", path, err)
	}
	in := &intake{store: s, now: time.Now(), replace: replace, faults: faults{path: path}}
	if list {
		in.list(file)
	} else {
		in.lines(newLines(file, s.longestLine()))
	}
	return in.stored, in.faults.err()
}

// beginsList tells whether the file is a JSON list, and goes back to its beginning.
func beginsList(file io.ReadSeeker) (bool, error) {
	start := make([]byte, 4096)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	_, err = file.Seek(0, io.SeekStart)
	return bytes.HasPrefix(bytes.TrimSpace(start[:n]), []byte("[")), err
}

// intake takes items from one file.
type intake struct {
	store   *Store
	now     time.Time
	replace bool
	stored  int
	faults  faults
}

// take stores one item, which begins in that line.
func (in *intake) take(text []byte, line int) {
	item, good, err := parseItem(text, in.now)
	if err == nil && good {
		good, err = in.store.put(item, in.replace)
	}
	if err != nil {
		in.faults.add(line, err)
	} else if good {
		in.stored++
	}
}

// lines takes an item from each line.
func (in *intake) lines(from *lines) {
	for {
		text, err := from.next()
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.Is(err, errLongLine):
			in.faults.add(from.number, err)
		case err != nil:
			in.faults.add(from.number, err)
			return
		default:
			in.take(text, from.number)
		}
	}
}

// list takes the items of a JSON list, up to where it is damaged.
func (in *intake) list(file io.ReadSeeker) {
	count := &lineCounter{from: file}
	from := jsontext.NewDecoder(count)
	if _, err := from.ReadToken(); err != nil {
		in.faults.add(1, err)
		return
	}
	for from.PeekKind() != ']' {
		text, err := from.ReadValue()
		if err != nil {
			at := from.InputOffset()
			if damage, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
				at = damage.ByteOffset
			}
			in.faults.add(count.at(at), err)
			return
		}
		in.take(text, count.at(from.InputOffset()-int64(len(text))))
	}
}

// lineCounter knows in which line a place of what was read is.
type lineCounter struct {
	from   io.Reader
	offset int64
	ends   []int64 // places of line ends that at has not passed
	line   int     // how many it has passed
}

func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			c.ends = append(c.ends, c.offset+int64(i))
		}
	}
	c.offset += int64(n)
	return n, err
}

// at returns the line of a place, which is not before that of the last call.
func (c *lineCounter) at(offset int64) int {
	passed := 0
	for passed < len(c.ends) && c.ends[passed] < offset {
		passed++
	}
	c.ends = c.ends[passed:]
	c.line += passed
	return c.line + 1
}
