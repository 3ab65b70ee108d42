package process

import "golang.org/x/sys/unix"

const (
	auditArch    = unix.AUDIT_ARCH_AARCH64
	foreignCalls = 0 // none
)

// deniedHere are calls that this architecture alone has.
var deniedHere []uint32
