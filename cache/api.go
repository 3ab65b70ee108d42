package cache

import (
	"bytes"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Value is JSON text in one line, not to be changed, and how long it is good.
type Value struct {
	JSON []byte
	TTL  time.Duration // 0: for ever
}

// EntryOptions say how long an entry lives and what it belongs to.
type EntryOptions struct {
	TTL  time.Duration // 0: the store's default; Forever: no end
	Tags []string
}

// Get returns the value of a key, and whether there is one.
func (s *Store) Get(namespace, key string) (Value, bool) {
	ns := s.namespace(namespace)
	if ns == nil {
		return Value{}, false
	}
	var space []byte
	e, now := s.get(ns, []byte(key), &space)
	if e == nil {
		return Value{}, false
	}
	return Value{e.value, time.Duration(e.left(now)) * time.Millisecond}, true
}

// GetMany returns the values of those keys that have one.
func (s *Store) GetMany(namespace string, keys ...string) map[string]Value {
	found := make(map[string]Value, len(keys))
	for _, key := range keys {
		if v, ok := s.Get(namespace, key); ok {
			found[key] = v
		}
	}
	return found
}

// Set stores a value, which is JSON text.
func (s *Store) Set(namespace, key string, value []byte, o EntryOptions) error {
	ns, set, err := s.checked(namespace, key, o)
	if err != nil {
		return err
	}
	text, err := oneLine(value)
	if err != nil {
		return err
	}
	var told changes
	defer func() { told.tell() }()
	return plain(s.set(ns, []byte(key), text, set, &told))
}

// Add stores a value unless the key has one; it tells whether it did.
func (s *Store) Add(namespace, key string, value []byte, o EntryOptions) (bool, error) {
	ns, set, err := s.checked(namespace, key, o)
	if err != nil {
		return false, err
	}
	text, err := oneLine(value)
	if err != nil {
		return false, err
	}
	var told changes
	defer func() { told.tell() }()
	added, failed := s.add(ns, []byte(key), text, set, &told)
	return added, plain(failed)
}

// Increment adds by, a JSON number, to the value of a key and returns the sum.
// A key that has none counts as 0; o holds for it alone.
func (s *Store) Increment(namespace, key string, by []byte, o EntryOptions) ([]byte, error) {
	ns, set, err := s.checked(namespace, key, o)
	if err != nil {
		return nil, err
	}
	var told changes
	defer func() { told.tell() }()
	number, failed := s.increment(ns, []byte(key), by, set, &told)
	return number, plain(failed)
}

// Delete removes a key and tells whether it was there.
func (s *Store) Delete(namespace, key string) bool {
	var told changes
	defer func() { told.tell() }()
	ns := s.namespace(namespace)
	return ns != nil && s.remove(ns, []byte(key), &told)
}

// InvalidateTag removes the entries with a tag and returns how many they were.
func (s *Store) InvalidateTag(namespace, tag string) int {
	var told changes
	defer func() { told.tell() }()
	ns := s.namespace(namespace)
	if ns == nil {
		return 0
	}
	return s.invalidateTag(ns, tag, &told)
}

// InvalidatePrefix removes the entries whose keys begin with prefix and returns
// how many they were.
func (s *Store) InvalidatePrefix(namespace, prefix string) int {
	var told changes
	defer func() { told.tell() }()
	ns := s.namespace(namespace)
	if ns == nil {
		return 0
	}
	return s.invalidatePrefix(ns, []byte(prefix), &told)
}

// checked checks what comes from Go as the scanner does what comes from workers.
func (s *Store) checked(name, key string, o EntryOptions) (*namespace, setting, error) {
	switch {
	case len(key) == 0 || len(key) > MaxKey || !utf8.ValidString(key):
		return nil, setting{}, badKey
	case o.TTL < 0 && o.TTL != Forever || o.TTL > longest:
		return nil, setting{}, badTTL
	case len(o.Tags) > MaxTags:
		return nil, setting{}, badTags
	}
	for _, tag := range o.Tags {
		if len(tag) == 0 || len(tag) > MaxTag || !utf8.ValidString(tag) {
			return nil, setting{}, badTags
		}
	}
	ns, err := s.open(name)
	return ns, setting{ttl: o.TTL, tags: slices.Clone(o.Tags)}, plain(err)
}

// oneLine returns value as the store keeps it.
func oneLine(value []byte) ([]byte, error) {
	text := jsontext.Value(bytes.Clone(value))
	if !text.IsValid() {
		return nil, badOperation("the value is not JSON")
	}
	if err := text.Compact(); err != nil {
		return nil, fmt.Errorf("write the value in one line: %w", err)
	}
	return text, nil
}

// plain returns err as an error, nil where it is nil.
func plain(err *Error) error {
	if err == nil {
		return nil
	}
	return err
}
