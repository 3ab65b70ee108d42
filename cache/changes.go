package cache

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// A drop frame names at most so many keys, in so many bytes; with more it says
// that everything is to be dropped.
const (
	maxDropKeys  = 500
	maxDropBytes = 64 << 10
)

// changes are the keys that one frame has changed, to be told to those who keep
// copies. They are told after they have been made: a copy that is fetched once
// the drop has come must have the new value.
type changes struct{ list []change }

// change is what is to be dropped in one namespace.
type change struct {
	ns    *namespace
	keys  []string
	bytes int
	all   bool
}

// key notes that a key has changed, where anybody keeps copies.
func (c *changes) key(ns *namespace, key string) {
	if len(ns.subscribers()) == 0 {
		return
	}
	at := slices.IndexFunc(c.list, func(other change) bool { return other.ns == ns })
	if at < 0 {
		at = len(c.list)
		c.list = append(c.list, change{ns: ns})
	}
	if one := &c.list[at]; !one.all {
		one.keys = append(one.keys, key)
		one.bytes += len(key)
		if one.all = len(one.keys) > maxDropKeys || one.bytes > maxDropBytes; one.all {
			one.keys = nil
		}
	}
}

// tell sends the drops.
func (c *changes) tell() {
	for _, one := range c.list {
		one.ns.drop(one.keys, one.all)
	}
	clear(c.list)
	c.list = c.list[:0]
}

// drop tells all who keep copies to drop these.
func (ns *namespace) drop(keys []string, all bool) {
	subscribers := ns.subscribers()
	if len(subscribers) == 0 {
		return
	}
	frame := ns.dropAll
	if !all {
		frame = dropFrame(ns.name, keys)
	}
	for _, c := range subscribers {
		c.drop(ns, frame)
	}
}

// dropFrame returns the frame that drops keys, or without any, all copies. Its
// capacity is its length: several queues share it.
func dropFrame(namespace string, keys []string) []byte {
	frame := append([]byte(`{"drover":"drop","namespace":"`), namespace...) // a name needs no escapes
	if len(keys) == 0 {
		return slices.Clip(append(frame, `","all":true}`...))
	}
	frame = append(frame, `","keys":[`...)
	for i, key := range keys {
		if i > 0 {
			frame = append(frame, ',')
		}
		frame, _ = jsontext.AppendQuote(frame, key) // a key is UTF-8, see scanner
	}
	return slices.Clip(append(frame, "]}"...))
}
