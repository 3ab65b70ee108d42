package cache

import (
	"fmt"
	"time"
)

const (
	// maxOperations is how many operations one frame may have; the keys of
	// getMany count as one each.
	maxOperations = 10_000

	// maxResults is how large the results of one frame may become; a value that
	// begins below it is still given.
	maxResults = 8 << 20

	// statsCost is how many operations one stats counts as.
	statsCost = 100
)

// call is one frame: its operations are run in order, and their results written.
type call struct {
	scanner
	store   *Store
	near    *near
	client  *client
	ns      *namespace // that of the operation before
	results results
	told    changes
	count   int
	space   []byte // of ids
}

// run runs all operations.
func (c *call) run() {
	if c.expect('['); c.bad {
		c.results.failure(badOperation("ops is not a list"))
		return
	}
	for n := 0; c.more(']', n); n++ {
		begin := c.at
		err := c.operation()
		if err == nil {
			continue
		}
		c.results.failure(err)
		if c.count > maxOperations {
			return
		}
		c.at, c.bad = begin, false
		c.value()
	}
}

// operation runs the next one. An error leaves the scanner anywhere within it.
func (c *call) operation() *Error {
	if c.count++; c.count > maxOperations {
		return tooMany
	}
	if c.expect('['); c.bad {
		return badOperation("an operation is a list")
	}
	switch name := c.string(); string(name) {
	case "get":
		return c.opGet()
	case "getMany":
		return c.opGetMany()
	case "set":
		return c.opSet()
	case "add":
		return c.opAdd()
	case "delete":
		return c.opDelete()
	case "increment":
		return c.opIncrement()
	case "invalidateTag":
		return c.opInvalidateTag()
	case "invalidatePrefix":
		return c.opInvalidatePrefix()
	case "lease":
		return c.opLease()
	case "release":
		return c.opRelease()
	case "near":
		return c.opNear()
	case "stats":
		return c.opStats()
	default:
		return badOperation("there is no such operation")
	}
}

// namespace reads the name of a namespace, and makes the namespace where make
// says so; it is nil where there is none.
func (c *call) namespace(create bool) (*namespace, *Error) {
	name := c.next().string()
	if c.ns != nil && string(name) == c.ns.name {
		return c.ns, nil
	}
	ns := c.store.spaces.Load().byName[string(name)] // here, since in a function of its own the name would be copied
	switch {
	case c.bad:
		return nil, unreadable
	case ns == nil && !goodName(string(name)):
		return nil, badName
	case ns == nil && create:
		var err *Error
		if ns, err = c.store.open(string(name)); err != nil {
			return nil, err
		}
	}
	c.ns = ns
	return ns, nil
}

// key reads a key.
func (c *call) key() ([]byte, *Error) {
	key := c.next().string()
	switch {
	case c.bad:
		return nil, unreadable
	case len(key) == 0 || len(key) > MaxKey:
		return nil, badKey
	}
	return key, nil
}

// place reads namespace and key.
func (c *call) place(create bool) (*namespace, []byte, *Error) {
	ns, err := c.namespace(create)
	if err != nil {
		return nil, nil, err
	}
	key, err := c.key()
	return ns, key, err
}

// end reads the end of the operation.
func (c *call) end() *Error {
	c.expect(']')
	return unless(!c.bad, unreadable)
}

var (
	unreadable = badOperation("an argument is missing, too many, or not of the kind that it should be")
	badName    = badOperation("a namespace has 1 to 64 of A-Z a-z 0-9 . _ -")
	badKey     = badOperation(fmt.Sprintf("a key has 1 to %d bytes", MaxKey))
	tooMany    = &Error{CodeTooLarge, fmt.Sprintf("a frame has at most %d operations; this one and those after it were not done", maxOperations)}
	tooMuch    = &Error{CodeTooLarge, fmt.Sprintf("the results of the frame are larger than %d bytes; ask for less at once", maxResults)}
)

// Limits of what an entry may look like.
const (
	MaxKey  = 1024 // bytes of a key
	MaxTag  = 256  // bytes of a tag
	MaxTags = 32   // tags of an entry
)

// Forever, as the TTL of an entry, is without end.
const Forever time.Duration = -1
