package pool

import (
	"io"
	"sync"
	"sync/atomic"
)

// attachment is what the data path keeps with an upstream: its connections.
type attachment struct {
	kept     atomic.Pointer[kept]
	attachMu sync.Mutex
	detached bool
}

type kept struct{ io.Closer }

// Attachment returns what the data path keeps with the upstream (its
// connection pool), made by create on first use. create is called at most once
// while the upstream is a member and must not call back into the pool.
//
// The pool closes it at the moment of removal, when leases may still be out:
// Close must end what is idle, let exchanges in flight finish, and keep
// nothing afterwards. Asked for after removal, it is made if there is none,
// closed at once and returned.
func (u *Upstream) Attachment(create func(*Upstream) io.Closer) io.Closer {
	if k := u.kept.Load(); k != nil {
		return k.Closer
	}
	u.attachMu.Lock()
	defer u.attachMu.Unlock()
	if k := u.kept.Load(); k != nil {
		return k.Closer
	}
	c := create(u)
	u.kept.Store(&kept{c})
	if u.detached {
		_ = c.Close() // nothing was ever sent over it
	}
	return c
}

// detach closes the attachment, now or when it is made. Close has nobody to
// report to: what it ends is idle.
func (u *Upstream) detach() {
	u.attachMu.Lock()
	defer u.attachMu.Unlock()
	if u.detached {
		return
	}
	u.detached = true
	if k := u.kept.Load(); k != nil {
		_ = k.Close()
	}
}
