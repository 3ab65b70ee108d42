package supervisor

import "time"

// oomWatch tells whether the kernel killed something for want of memory just now.
type oomWatch struct {
	read  func() (uint64, bool)
	count uint64
	at    time.Time
}

// sample notes the count, once a second.
func (o *oomWatch) sample(now time.Time) {
	if now.Sub(o.at) < time.Second {
		return
	}
	o.count, _ = o.read() // without a count nothing ever happened
	o.at = now
}

// happened reports whether there was a kill since the last sample.
func (o *oomWatch) happened() bool {
	count, ok := o.read()
	return ok && count > o.count
}
