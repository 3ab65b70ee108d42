package cache

import (
	"fmt"
	"strconv"
	"time"
)

// longest is the longest time that an option may name.
const longest = 10 * 365 * 24 * time.Hour

// The times of a lease.
const (
	defaultHold = 30 * time.Second
	defaultWait = 5 * time.Second
	longestHold = time.Hour // and wait
)

// setting is what a change says of the entry that it makes.
type setting struct {
	ttl    time.Duration // 0: the store's default; Forever: no end
	tags   []string
	lease  uint64  // 0: none
	holder *client // of the lease
}

// setting reads the options of set, add and increment, if there are any.
func (c *call) setting(withLease bool) (o setting, err *Error) {
	err = c.options(func(name []byte) (int, *Error) {
		switch string(name) {
		case "ttlMs":
			ttl, ok := c.milliseconds(0, longest)
			if o.ttl = ttl; ttl == 0 {
				o.ttl = Forever
			}
			return 1, unless(ok, badTTL)
		case "tags":
			var ok bool
			o.tags, ok = c.tags()
			return 2, unless(ok, badTags)
		case "lease":
			o.lease = leaseNumber(c.string())
			return 4, unless(withLease && o.lease != 0, badLease)
		}
		return 0, badOption
	})
	return o, err
}

// leaseRequest reads the options of lease, if there are any.
func (c *call) leaseRequest() (leaseRequest, *Error) {
	ask := leaseRequest{defaultHold, defaultWait}
	err := c.options(func(name []byte) (int, *Error) {
		var ok bool
		switch string(name) {
		case "leaseMs":
			ask.hold, ok = c.milliseconds(time.Millisecond, longestHold)
			return 1, unless(ok, badTime)
		case "waitMs":
			ask.wait, ok = c.milliseconds(0, longestHold)
			return 2, unless(ok, badTime)
		}
		return 0, badOption
	})
	return ask, err
}

// options reads an object, if one follows. read is given each name, reads its
// value, and returns a bit that stands for it, so that none comes twice.
func (c *call) options(read func(name []byte) (int, *Error)) *Error {
	if c.peek() != ',' {
		return nil
	}
	c.next().expect('{')
	seen := 0
	for n := 0; c.more('}', n); n++ {
		name := c.string()
		c.expect(':')
		if c.bad {
			return unreadable
		}
		bit, err := read(name)
		switch {
		case err != nil:
			return err
		case seen&bit != 0:
			return badOption
		}
		seen |= bit
	}
	return unless(!c.bad, unreadable)
}

// milliseconds reads a time, and tells whether it is within the bounds.
func (c *call) milliseconds(least, most time.Duration) (time.Duration, bool) {
	ms, ok := number(c.value())
	if !ok || c.bad || ms < float64(least.Milliseconds()) || ms > float64(most.Milliseconds()) {
		return 0, false
	}
	return time.Duration(ms * float64(time.Millisecond)), true
}

// tags reads a list of tags.
func (c *call) tags() ([]string, bool) {
	c.expect('[')
	var tags []string
	for n := 0; c.more(']', n); n++ {
		tag := c.string()
		if len(tag) == 0 || len(tag) > MaxTag || n >= MaxTags {
			return nil, false
		}
		tags = append(tags, string(tag))
	}
	return tags, !c.bad
}

// leaseNumber reads what stands for a lease; 0 is none.
func leaseNumber(text []byte) uint64 {
	number, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return 0
	}
	return number
}

func unless(ok bool, err *Error) *Error {
	if ok {
		return nil
	}
	return err
}

var (
	badTTL    = badOperation("ttlMs is a number of milliseconds from 0 to ten years")
	badTags   = badOperation(fmt.Sprintf("tags are a list of at most %d strings of 1 to %d bytes", MaxTags, MaxTag))
	badLease  = badOperation("lease is what the operation lease gave; only set takes it")
	badTime   = badOperation("leaseMs is a number from 1 to 3600000, waitMs one from 0 to 3600000")
	badOption = badOperation("an option is given twice, or there is none of that name")
)
