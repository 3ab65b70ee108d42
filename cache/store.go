package cache

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/maypok86/otter/v2"
)

// Options are the bounds of a store.
type Options struct {
	MaxBytes      int64         // of all entries, with what keeping them costs
	MaxEntryBytes int64         // of one key with its value
	DefaultTTL    time.Duration // of entries that say nothing; 0: for ever
}

// Store keeps values, which are JSON texts, by namespace and key. Within its
// bounds it holds what is most likely to be asked for again. All methods may
// be called concurrently.
type Store struct {
	opts   Options
	clock  *clock
	table  *otter.Cache[string, *entry]
	spaces atomic.Pointer[spaces]
	mu     sync.Mutex // to replace spaces
}

// New returns an empty store; Close ends it.
func New(opts Options) (*Store, error) {
	switch {
	case opts.MaxBytes <= 0:
		return nil, fmt.Errorf("a cache of %d bytes holds nothing", opts.MaxBytes)
	case opts.MaxEntryBytes <= 0 || opts.MaxEntryBytes > opts.MaxBytes:
		return nil, fmt.Errorf("entries of %d bytes do not fit a cache of %d", opts.MaxEntryBytes, opts.MaxBytes)
	}
	opts.MaxEntryBytes = min(opts.MaxEntryBytes, 1<<31) // the table weighs in 32 bits
	s := &Store{opts: opts, clock: newClock()}
	s.spaces.Store(&spaces{})
	table, err := otter.New(&otter.Options[string, *entry]{
		MaximumWeight:    uint64(opts.MaxBytes),
		Weigher:          func(_ string, e *entry) uint32 { return uint32(e.weight()) },
		ExpiryCalculator: otter.ExpiryWritingFunc(lifetime),
		OnAtomicDeletion: func(gone otter.DeletionEvent[string, *entry]) { gone.Value.ns.left(gone.Value, gone.Cause) },
		Clock:            s.clock,
	})
	if err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	s.table = table
	return s, nil
}

// Close ends the goroutine that removes what has expired. What is in the store
// may still be read and saved.
func (s *Store) Close() { s.table.StopAllGoroutines() }

// namespace returns the namespace of that name, or nil.
func (s *Store) namespace(name string) *namespace { return s.spaces.Load().byName[name] }

// open returns the namespace of that name, which it makes where it is missing.
func (s *Store) open(name string) (*namespace, *Error) {
	if ns := s.namespace(name); ns != nil {
		return ns, nil
	}
	if !goodName(name) {
		return nil, badName
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.spaces.Load()
	if ns := now.byName[name]; ns != nil {
		return ns, nil
	}
	if len(now.all) >= MaxNamespaces {
		return nil, &Error{CodeTooManyNamespaces, fmt.Sprintf("there are %d namespaces already; put what varies into the key", MaxNamespaces)}
	}
	ns := newNamespace(strings.Clone(name), byte(len(now.all)))
	s.spaces.Store(now.with(ns))
	return ns, nil
}

// find returns the entry of a key, or nil, and the moment at which it was so.
func (s *Store) find(id string) (*entry, int64) {
	found, ok := s.table.GetEntry(id)
	if !ok || found.Value.expires <= found.SnapshotAtNano {
		return nil, 0
	}
	return found.Value, found.SnapshotAtNano
}

// idOf returns the id of a key in space, which is overwritten by the next one:
// good for find, which keeps nothing of it, and without an allocation.
func (ns *namespace) idOf(key []byte, space *[]byte) string {
	*space = append(append((*space)[:0], ns.mark), key...)
	return unsafe.String(unsafe.SliceData(*space), len(*space))
}

// id returns the id of a key, to keep.
func (ns *namespace) id(key []byte) string {
	id := make([]byte, 0, 1+len(key))
	return string(append(append(id, ns.mark), key...))
}

// get finds an entry and counts the hit or miss; space is as for idOf.
func (s *Store) get(ns *namespace, key []byte, space *[]byte) (*entry, int64) {
	e, now := s.find(ns.idOf(key, space))
	if e != nil {
		ns.hits.Add(1)
	} else {
		ns.misses.Add(1)
	}
	return e, now
}
