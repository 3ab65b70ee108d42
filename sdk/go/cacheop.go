package drover

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// cacheOp is one operation of a cache frame.
type cacheOp struct {
	text  line // a JSON array
	waits bool // its answer may take long
	done  func(result json.RawMessage, err error)
}

// answerOps gives each operation its result. It is called by the reader.
func answerOps(ops []*cacheOp, f *frame, err error) {
	var results []json.RawMessage
	if err == nil {
		results, err = elements(f.Data)
	}
	if err == nil && len(results) != len(ops) {
		err = &Error{Code: "bad-frame", Message: fmt.Sprintf("drover answered %d cache operations with %d results", len(ops), len(results))}
	}
	for i, op := range ops {
		if err != nil {
			op.done(nil, err)
			continue
		}
		op.done(results[i], failureOf(results[i]))
	}
}

// failureOf returns the error that a result is. No other result is an object
// but those of lease and stats, which have no member error.
func failureOf(result json.RawMessage) error {
	if len(result) == 0 || result[0] != '{' {
		return nil
	}
	var r struct {
		Error *Error `json:"error"`
	}
	if err := json.Unmarshal(result, &r); err != nil {
		return err
	}
	if r.Error == nil {
		return nil
	}
	return r.Error
}

// hit is the result of a read.
type hit struct {
	ok    bool
	value json.RawMessage
	ttl   time.Duration // 0: for ever
}

func readHit(result json.RawMessage) (hit, error) {
	parts, err := elements(result)
	if err != nil || len(parts) == 0 {
		return hit{}, err
	}
	h := hit{ok: true, value: parts[0]}
	if len(parts) > 1 {
		ms, err := strconv.ParseFloat(string(parts[1]), 64)
		if err != nil {
			return hit{}, err
		}
		h.ttl = max(time.Duration(ms*float64(time.Millisecond)), 1)
	}
	return h, nil
}

// SetOption says how long an entry lives and what it belongs to.
type SetOption func(*setOptions)

type setOptions struct {
	ttl   *time.Duration
	tags  []string
	lease string

	leaseTime time.Duration // of GetOrSet
}

// TTL is how long an entry lives; 0 is for ever. Without it cache.defaultTTL holds.
func TTL(d time.Duration) SetOption { return func(o *setOptions) { o.ttl = &d } }

// Tags are what Cache.InvalidateTag finds an entry by.
func Tags(tags ...string) SetOption { return func(o *setOptions) { o.tags = append(o.tags, tags...) } }

// LeaseTime is how long GetOrSet's computing may take before another worker
// starts anew, by default 30 seconds.
func LeaseTime(d time.Duration) SetOption { return func(o *setOptions) { o.leaseTime = d } }

func optionsOf(list []SetOption) setOptions {
	o := setOptions{leaseTime: 30 * time.Second}
	for _, f := range list {
		f(&o)
	}
	return o
}

// options ends an operation with its options, if there are any.
func (l line) options(o setOptions) line {
	if o.ttl == nil && o.tags == nil && o.lease == "" {
		return l
	}
	l = append(l, ',')
	first := len(l)
	if o.ttl != nil {
		l = strconv.AppendInt(l.name("ttlMs"), milliseconds(*o.ttl), 10)
	}
	if o.tags != nil {
		l = l.texts("tags", o.tags)
	}
	l = append(l.optional("lease", o.lease), '}')
	l[first] = '{' // in place of the comma of the first member
	return l
}

// milliseconds rounds up: what has a time to live must not get one of 0, for ever.
func milliseconds(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

// item adds a text to a list.
func (l line) item(v string) line { return appendText(append(l, ','), v) }

func (l line) flag(v bool) line { return strconv.AppendBool(append(l, ','), v) }

func (l line) whole(v int64) line { return strconv.AppendInt(append(l, ','), v, 10) }

func (l line) raw(v []byte) line { return append(append(l, ','), v...) }
