//go:build linux && !amd64 && !arm64

package process

const (
	auditArch    = 0 // not known here
	foreignCalls = 0
)

// deniedHere are calls that this architecture alone has.
var deniedHere []uint32
