package cache

import (
	"bytes"
	"encoding/json"
)

func (c *call) opGet() *Error {
	ns, key, err := c.place(true)
	if err == nil {
		err = c.end()
	}
	if err != nil {
		return err
	}
	if c.results.full() {
		return tooMuch
	}
	e, now := c.store.get(ns, key, &c.space)
	c.results.entry(e, now)
	return nil
}

func (c *call) opGetMany() *Error {
	ns, err := c.namespace(true)
	if err != nil {
		return err
	}
	begin, count := len(c.results.out), c.results.count
	if err = c.getMany(ns); err != nil {
		c.results.out, c.results.count = c.results.out[:begin], count
	}
	return err
}

// getMany reads keys and writes what they have; an error leaves a part of it.
func (c *call) getMany(ns *namespace) *Error {
	c.next().expect('[')
	c.results.text([]byte{'['})
	for n := 0; c.more(']', n); n++ {
		key := c.string()
		switch {
		case c.bad:
			return unreadable
		case len(key) == 0 || len(key) > MaxKey:
			return badKey
		case c.results.full():
			return tooMuch
		}
		if n > 0 {
			if c.count++; c.count > maxOperations {
				return tooMany
			}
			c.results.out = append(c.results.out, ',')
		}
		e, now := c.store.get(ns, key, &c.space)
		c.results.out = appendEntry(c.results.out, e, now)
	}
	c.results.out = append(c.results.out, ']')
	return c.end()
}

// entry reads what set and add have in common.
func (c *call) entry(withLease bool) (ns *namespace, key, value []byte, o setting, err *Error) {
	if ns, key, err = c.place(true); err != nil {
		return
	}
	if value = c.next().value(); c.bad {
		err = unreadable
		return
	}
	if o, err = c.setting(withLease); err == nil {
		err = c.end()
	}
	o.holder = c.client
	return
}

func (c *call) opSet() *Error {
	ns, key, value, o, err := c.entry(true)
	if err == nil {
		err = c.store.set(ns, key, bytes.Clone(value), o, &c.told)
	}
	if err != nil {
		return err
	}
	c.results.truth(true)
	return nil
}

func (c *call) opAdd() *Error {
	ns, key, value, o, err := c.entry(false)
	if err != nil {
		return err
	}
	added, err := c.store.add(ns, key, bytes.Clone(value), o, &c.told)
	if err != nil {
		return err
	}
	c.results.truth(added)
	return nil
}

func (c *call) opIncrement() *Error {
	ns, key, by, o, err := c.entry(false)
	if err != nil {
		return err
	}
	number, err := c.store.increment(ns, key, by, o, &c.told)
	if err != nil {
		return err
	}
	c.results.text(number)
	return nil
}

func (c *call) opDelete() *Error {
	ns, key, err := c.place(false)
	if err == nil {
		err = c.end()
	}
	if err != nil {
		return err
	}
	c.results.truth(ns != nil && c.store.remove(ns, key, &c.told))
	return nil
}

func (c *call) opInvalidateTag() *Error {
	ns, err := c.namespace(false)
	if err != nil {
		return err
	}
	tag := c.next().string()
	if err := c.end(); err != nil {
		return err
	}
	removed := 0
	if ns != nil {
		removed = c.store.invalidateTag(ns, string(tag), &c.told)
	}
	c.results.number(removed)
	return nil
}

func (c *call) opInvalidatePrefix() *Error {
	ns, err := c.namespace(false)
	if err != nil {
		return err
	}
	prefix := c.next().string()
	if err := c.end(); err != nil {
		return err
	}
	removed := 0
	if ns != nil {
		removed = c.store.invalidatePrefix(ns, prefix, &c.told)
	}
	c.results.number(removed)
	return nil
}

func (c *call) opLease() *Error {
	ns, key, err := c.place(true)
	if err != nil {
		return err
	}
	ask, err := c.leaseRequest()
	if err == nil {
		err = c.end()
	}
	if err != nil {
		return err
	}
	if c.results.full() {
		return tooMuch
	}
	if o, now := c.store.lease(ns, key, c.client, ask, &c.space, c.results.later); now {
		c.results.outcome(o)
	}
	return nil
}

func (c *call) opRelease() *Error {
	ns, key, err := c.place(false)
	if err != nil {
		return err
	}
	number := leaseNumber(c.next().string())
	if err := c.end(); err != nil {
		return err
	}
	if ns == nil {
		return errLeaseLost
	}
	if err := c.store.release(ns, key, c.client, number); err != nil {
		return err
	}
	c.results.truth(true)
	return nil
}

func (c *call) opNear() *Error {
	ns, err := c.namespace(true)
	if err != nil {
		return err
	}
	on := string(c.next().value())
	if err := c.end(); err != nil {
		return err
	}
	switch on {
	case "true":
		c.near.subscribe(ns, c.client)
	case "false":
		c.near.unsubscribe(ns, c.client)
	default:
		return unreadable
	}
	c.results.truth(true)
	return nil
}

func (c *call) opStats() *Error {
	if err := c.end(); err != nil {
		return err
	}
	if c.count += statsCost; c.count > maxOperations {
		return tooMany
	}
	if c.results.full() {
		return tooMuch
	}
	text, err := json.Marshal(c.store.Stats())
	if err != nil {
		return badOperation(err.Error()) // cannot happen: numbers and names
	}
	c.results.text(text)
	return nil
}
