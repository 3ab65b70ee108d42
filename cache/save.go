package cache

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// version is that of saved files.
const version = 1

// header is the first line of a saved file.
type header struct {
	Drover  string `json:"drover"`
	Version int    `json:"version"`
	Entries int    `json:"entries"`
}

const savedCache = "cache"

// Save writes what is in the store to a file, in the place of the one that is
// there, once all of it is on the disk. Only the user of this process may read
// it. Save returns how many entries it has.
func (s *Store) Save(path string) (int, error) {
	all := s.coldestFirst()
	half := path + ".new"
	_ = os.Remove(half) // of a drover that was killed; what is in its place otherwise, the next line says
	file, err := os.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, fmt.Errorf("save the cache: %w", err)
	}
	err = s.write(file, all)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(half, path)
	}
	if err != nil {
		_ = os.Remove(half) // err says what was wrong
		return 0, fmt.Errorf("save the cache: %w", err)
	}
	return len(all), nil
}

// coldestFirst returns all entries, so that what is loaded last is what was
// most in use.
func (s *Store) coldestFirst() []*entry {
	var all []*entry
	for e := range s.table.Coldest() {
		all = append(all, e.Value)
	}
	return all
}

func (s *Store) write(to io.Writer, all []*entry) error {
	out := bufio.NewWriterSize(to, 256<<10)
	put := func(v any) error {
		text, err := json.Marshal(v, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		if err != nil {
			return err
		}
		_, err = out.Write(append(text, '\n'))
		return err
	}
	if err := put(header{savedCache, version, len(all)}); err != nil {
		return err
	}
	// The store's clock does not follow the machine's; the file has to.
	drift := time.Now().UnixNano() - s.clock.NowNano()
	for _, e := range all {
		l := line{Namespace: e.ns.name, Key: e.key(), Value: e.value, Tags: e.tags}
		if e.expires != never {
			l.Expires = (e.expires + drift) / int64(time.Millisecond)
		}
		if err := put(l); err != nil {
			return fmt.Errorf("%s of namespace %s: %w", l.Key, l.Namespace, err)
		}
	}
	return out.Flush()
}

// Load stores what Save has written and returns how many entries. Where there
// is no file, it does nothing. Of a damaged file it stores what is good; the
// error says what was not.
func (s *Store) Load(path string) (int, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("load the cache: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	from := newLines(file, s.longestLine())
	var head header
	text, err := from.next()
	if err == nil {
		err = json.Unmarshal(text, &head)
	}
	switch {
	case err != nil || head.Drover != savedCache:
		return 0, fmt.Errorf("load the cache: %s is not a file that drover saved", path)
	case head.Version != version:
		return 0, fmt.Errorf("load the cache: %s is of version %d, known is %d", path, head.Version, version)
	}
	in := &intake{store: s, now: time.Now(), replace: true, faults: faults{path: path}}
	in.lines(from)
	if seen := from.number - 2; in.faults.count == 0 && seen < head.Entries { // beside the header and the end
		return in.stored, fmt.Errorf("load the cache: %s ends after %d of %d entries", path, seen, head.Entries)
	}
	return in.stored, in.faults.err()
}
