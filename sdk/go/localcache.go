package drover

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxLocalBytes bounds the cache of a cluster of one, as cache.maxBytes does drover's.
const maxLocalBytes = 64 << 20

// localCache is the shared cache of a cluster of one.
type localCache struct {
	drop  func(line) // tells the worker which copies to drop
	limit int        // of bytes

	mu     sync.Mutex
	spaces map[string]*localSpace
	bytes  int
	lease  uint64   // the last one
	after  []func() // what is to be done once mu is free: answers and drops, in order
}

type localSpace struct {
	stats   NamespaceStats // what counts
	entries map[string]*localEntry
	leases  map[string]*localLease
	near    bool
}

type localEntry struct {
	value   json.RawMessage
	tags    []string
	expires time.Time // zero: never
}

// localLease is a key that somebody computes, and those who wait for it.
type localLease struct {
	id      string
	timer   *time.Timer
	waiters []*localWaiter
}

type localWaiter struct {
	leaseMs int64
	timer   *time.Timer
	answer  func(any)
}

// localOptions are those of all operations.
type localOptions struct {
	TTL     *int64   `json:"ttlMs"`
	Tags    []string `json:"tags"`
	Lease   string   `json:"lease"`
	LeaseMs int64    `json:"leaseMs"`
	WaitMs  int64    `json:"waitMs"`
}

// localOp is one operation on a namespace.
type localOp struct {
	c      *localCache
	name   string // of the namespace
	space  *localSpace
	args   []json.RawMessage
	answer func(any)
}

func newLocalCache(drop func(line)) *localCache {
	return &localCache{drop: drop, limit: maxLocalBytes, spaces: make(map[string]*localSpace)}
}

// localOps does each operation, with mu held. Its result goes to answer, at once or later.
var localOps = map[string]func(localOp){
	"get":              func(o localOp) { o.answer(o.read(o.text(0))) },
	"getMany":          localOp.getMany,
	"set":              localOp.set,
	"add":              localOp.add,
	"delete":           func(o localOp) { o.answer(o.remove(o.text(0))) },
	"increment":        localOp.increment,
	"invalidateTag":    localOp.invalidateTag,
	"invalidatePrefix": localOp.invalidatePrefix,
	"lease":            localOp.lease,
	"release":          localOp.release,
	"near":             localOp.near,
}

// serve does the operations of a frame; reply is called once all have their results.
func (c *localCache) serve(ops [][]json.RawMessage, reply func([]any)) {
	results := make([]any, len(ops))
	var open atomic.Int64
	open.Store(int64(len(ops)))
	for i, op := range ops {
		c.do(func() {
			c.startLocked(op, func(result any) {
				c.after = append(c.after, func() {
					results[i] = result
					if open.Add(-1) == 0 {
						reply(results)
					}
				})
			})
		})
	}
}

// do runs a change, then what it left to be done.
func (c *localCache) do(change func()) {
	c.mu.Lock()
	change()
	after := c.after
	c.after = nil
	c.mu.Unlock()
	for _, f := range after {
		f()
	}
}

func (c *localCache) startLocked(op []json.RawMessage, answer func(any)) {
	o := localOp{c: c, answer: answer}
	if len(op) == 1 && string(op[0]) == `"stats"` {
		answer(c.statsLocked())
		return
	}
	if len(op) < 3 || localOps[unquote(op[0])] == nil {
		answer(failed("bad-operation", "there is no such operation"))
		return
	}
	o.name, o.args = unquote(op[1]), op[2:]
	if o.space = c.spaces[o.name]; o.space == nil {
		o.space = &localSpace{entries: make(map[string]*localEntry), leases: make(map[string]*localLease)}
		c.spaces[o.name] = o.space
	}
	localOps[unquote(op[0])](o)
}

func (c *localCache) statsLocked() CacheStats {
	all := CacheStats{Bytes: int64(c.bytes), MaxBytes: int64(c.limit)}
	for _, name := range slices.Sorted(maps.Keys(c.spaces)) {
		s := c.spaces[name]
		one := s.stats
		one.Name, one.Entries = name, len(s.entries)
		all.Entries += one.Entries
		all.Namespaces = append(all.Namespaces, one)
	}
	return all
}

func unquote(text json.RawMessage) string {
	var s string
	_ = json.Unmarshal(text, &s) // empty for what is no text
	return s
}

func failed(code, message string) any {
	return map[string]any{"error": &Error{code, message}}
}

// text is an argument that is a text.
func (o localOp) text(i int) string {
	if i >= len(o.args) {
		return ""
	}
	return unquote(o.args[i])
}

func (o localOp) options(i int) localOptions {
	var v localOptions
	if i < len(o.args) {
		_ = json.Unmarshal(o.args[i], &v) // this package wrote it
	}
	return v
}

// find returns an entry that has not expired.
func (o localOp) find(key string) *localEntry {
	e := o.space.entries[key]
	if e != nil && !e.expires.IsZero() && !time.Now().Before(e.expires) {
		o.forget(key)
		return nil
	}
	return e
}

// read is the result of a get: nil, or the value with the time that is left.
func (o localOp) read(key string) any {
	e := o.find(key)
	if e == nil {
		o.space.stats.Misses++
		return nil
	}
	o.space.stats.Hits++
	return e.hit()
}

func (e *localEntry) hit() any {
	if e.expires.IsZero() {
		return []any{e.value}
	}
	return []any{e.value, milliseconds(time.Until(e.expires))}
}

func (o localOp) getMany() {
	var keys []string
	_ = json.Unmarshal(o.args[0], &keys) // this package wrote it
	list := make([]any, len(keys))
	for i, key := range keys {
		list[i] = o.read(key)
	}
	o.answer(list)
}

func (o localOp) set() {
	key, options := o.text(0), o.options(2)
	l := o.space.leases[key]
	if options.Lease != "" && (l == nil || l.id != options.Lease) {
		o.answer(failed("lease-lost", "the lease has ended"))
		return
	}
	e := o.put(key, o.args[1], options)
	if options.Lease != "" {
		l.timer.Stop()
		delete(o.space.leases, key)
		for _, w := range l.waiters {
			w.timer.Stop()
			w.answer(e.hit())
		}
	}
	o.answer(true)
}

func (o localOp) add() {
	key := o.text(0)
	there := o.find(key) != nil
	if !there {
		o.put(key, o.args[1], o.options(2))
	}
	o.answer(!there)
}

func (o localOp) put(key string, value json.RawMessage, options localOptions) *localEntry {
	o.forget(key)
	o.space.stats.Sets++
	e := &localEntry{value: slices.Clone(value), tags: options.Tags}
	if options.TTL != nil && *options.TTL > 0 {
		e.expires = time.Now().Add(time.Duration(*options.TTL) * time.Millisecond)
	}
	o.space.entries[key] = e
	o.c.bytes += size(key, e)
	for other := range o.space.entries { // any: a program without drover is a test or a trial
		if o.c.bytes <= o.c.limit {
			break
		}
		if other != key {
			o.forget(other)
		}
	}
	o.changed(key)
	return e
}

func size(key string, e *localEntry) int { return len(key) + len(e.value) + 100 }

func (o localOp) forget(key string) {
	if e := o.space.entries[key]; e != nil {
		o.c.bytes -= size(key, e)
		delete(o.space.entries, key)
	}
}

// changed tells the worker to drop its copies.
func (o localOp) changed(keys ...string) {
	if o.space.near && len(keys) > 0 {
		l := newLine("drop").text("namespace", o.name).texts("keys", keys).end()
		o.c.after = append(o.c.after, func() { o.c.drop(l) })
	}
}

func (o localOp) remove(key string) bool {
	there := o.find(key) != nil
	o.forget(key)
	o.changed(key)
	return there
}

func (o localOp) increment() {
	key := o.text(0)
	e := o.find(key)
	if e == nil {
		o.put(key, o.args[1], o.options(2))
		o.answer(o.args[1])
		return
	}
	n, err := strconv.ParseInt(string(e.value), 10, 64)
	by, wrong := strconv.ParseInt(string(o.args[1]), 10, 64)
	if err != nil || wrong != nil {
		o.answer(failed("not-a-number", fmt.Sprintf("the value of %s is no number", key)))
		return
	}
	e.value = strconv.AppendInt(nil, n+by, 10)
	o.changed(key)
	o.answer(n + by)
}

func (o localOp) invalidateTag() {
	tag := o.text(0)
	o.invalidate(func(_ string, e *localEntry) bool { return slices.Contains(e.tags, tag) })
}

func (o localOp) invalidatePrefix() {
	prefix := o.text(0)
	o.invalidate(func(key string, _ *localEntry) bool { return strings.HasPrefix(key, prefix) })
}

func (o localOp) invalidate(which func(string, *localEntry) bool) {
	var gone []string
	for key, e := range o.space.entries {
		if o.find(key) != nil && which(key, e) {
			gone = append(gone, key)
		}
	}
	for _, key := range gone {
		o.forget(key)
	}
	o.changed(gone...)
	o.answer(len(gone))
}

func (o localOp) near() {
	o.space.near = string(o.args[0]) == "true"
	o.answer(true)
}

func (o localOp) lease() {
	key, options := o.text(0), o.options(1)
	if e := o.find(key); e != nil {
		o.space.stats.Hits++
		o.answer(e.hit())
		return
	}
	o.space.stats.Misses++
	w := &localWaiter{leaseMs: options.LeaseMs, answer: o.answer}
	l := o.space.leases[key]
	if l == nil {
		o.grant(key, w, nil)
		return
	}
	w.timer = time.AfterFunc(time.Duration(options.WaitMs)*time.Millisecond, func() { o.c.do(func() { o.late(key, w) }) })
	l.waiters = append(l.waiters, w)
}

// late ends the waiting of one whose time is over.
func (o localOp) late(key string, w *localWaiter) {
	l := o.space.leases[key]
	if l == nil {
		return
	}
	for i, have := range l.waiters {
		if have == w {
			l.waiters = slices.Delete(l.waiters, i, i+1)
			w.answer(failed("timeout", "the one that computes has not set it in time"))
			return
		}
	}
}

// grant lets w compute; the others wait.
func (o localOp) grant(key string, w *localWaiter, others []*localWaiter) {
	o.c.lease++
	l := &localLease{id: strconv.FormatUint(o.c.lease, 10), waiters: others}
	l.timer = time.AfterFunc(time.Duration(w.leaseMs)*time.Millisecond, func() { o.c.do(func() { o.end(key, l.id) }) })
	o.space.leases[key] = l
	w.answer(map[string]string{"lease": l.id})
}

func (o localOp) release() {
	o.end(o.text(0), o.text(1))
	o.answer(true)
}

// end takes a lease back; the next that waits gets one.
func (o localOp) end(key, id string) {
	l := o.space.leases[key]
	if l == nil || l.id != id {
		return
	}
	l.timer.Stop()
	delete(o.space.leases, key)
	if len(l.waiters) > 0 {
		next := l.waiters[0]
		next.timer.Stop()
		o.grant(key, next, l.waiters[1:])
	}
}
