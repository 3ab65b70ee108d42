package exchange

import (
	"sync/atomic"
	"time"
)

const (
	// defaultIdle is under the 5 s after which Node.js closes.
	defaultIdle = 4 * time.Second
	// maxIdle is the most that is learnt or believed.
	maxIdle = 60 * time.Second
	// minIdle is the least that is learnt from a connection found closed.
	minIdle = time.Second
	// holdMargin is kept from the time an upstream says or was seen to hold a
	// connection, so that a request does not cross with its close.
	holdMargin = time.Second
)

// keepAlive is how long an idle connection to this upstream is worth keeping.
// What the upstream says rules; else it is learnt from one idle connection at
// a time that is kept, unused, to see how long the upstream holds it.
type keepAlive struct {
	limit atomic.Int64 // nanoseconds
	told  atomic.Int64 // the last Keep-Alive: timeout, 0 when never told
}

func (k *keepAlive) idle() time.Duration { return time.Duration(k.limit.Load()) }

// tell takes the timeout of a Keep-Alive field.
func (k *keepAlive) tell(d time.Duration) {
	if k.told.Load() == int64(d) {
		return
	}
	k.told.Store(int64(d))
	k.limit.Store(int64(min(max(d-holdMargin, d/2), maxIdle)))
}

// held takes that the upstream still held a connection idle for d.
func (k *keepAlive) held(d time.Duration) {
	if d = min(d-holdMargin, maxIdle); k.told.Load() == 0 && d > k.idle() {
		k.limit.Store(int64(d))
	}
}

// dropped takes that the upstream had closed a connection idle for d, which
// was thought to be kept.
func (k *keepAlive) dropped(d time.Duration) {
	if d = max(d*3/4, minIdle); k.told.Load() == 0 && d < k.idle() {
		k.limit.Store(int64(d))
	}
}

// curious reports whether there is more to learn.
func (k *keepAlive) curious() bool { return k.told.Load() == 0 && k.idle() < maxIdle }
