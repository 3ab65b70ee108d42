package supervisor

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
)

// Ports that are asked for must not be ones the kernel hands out by itself, or
// any outgoing connection could take one between our test and the worker's bind.
const (
	preferredLow, preferredHigh = 20000, 31999
	lowestPort, highestPort     = 10000, 65000
	enoughPorts                 = 2000
)

// PortAllocator hands out TCP ports for workers. All pools share one, so that
// no port is given to two workers at a time. Its methods may be called
// concurrently.
type PortAllocator struct {
	low, high int
	free      func(port int) bool // whether the port can be bound

	mu   sync.Mutex
	next int
	used map[int]struct{}
}

// NewPortAllocator returns an allocator for the ports that lie outside the
// system's ephemeral range (20000 to 31999 where that range is the usual one).
func NewPortAllocator() *PortAllocator {
	// Where the file is missing (not Linux), 49152 to 65535 is what IANA says.
	low, high := 49152, 65535
	if data, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		var l, h int
		if n, err := fmt.Sscan(strings.TrimSpace(string(data)), &l, &h); n == 2 && err == nil {
			low, high = l, h
		}
	}
	return newPortAllocator(portRange(low, high))
}

func newPortAllocator(low, high int) *PortAllocator {
	// A random start keeps two drovers of one machine apart: both would find
	// the same port free until the first worker listens.
	return &PortAllocator{low: low, high: high, next: low + rand.IntN(high-low+1), free: canBind, used: make(map[int]struct{})}
}

// portRange chooses where to take ports, given the ephemeral range.
func portRange(ephemeralLow, ephemeralHigh int) (low, high int) {
	below, above := min(ephemeralLow-1, preferredHigh), max(ephemeralHigh+1, lowestPort)
	switch {
	case below >= preferredLow+enoughPorts || ephemeralHigh < preferredLow:
		if ephemeralHigh < preferredLow {
			below = preferredHigh
		}
		return preferredLow, below
	case below >= lowestPort+enoughPorts:
		return lowestPort, below
	case highestPort >= above+enoughPorts:
		return above, highestPort
	}
	return preferredLow, preferredHigh // everything is ephemeral: the bind test and the check of the listener must do
}

// Take returns a port that is free now and that nobody else was given. Ports
// come round in order, so a port is not used again soon after Release.
func (a *PortAllocator) Take() (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range a.high - a.low + 1 {
		port := a.next
		if a.next++; a.next > a.high {
			a.next = a.low
		}
		if _, taken := a.used[port]; taken || !a.free(port) {
			continue
		}
		a.used[port] = struct{}{}
		return port, nil
	}
	return 0, fmt.Errorf("no port from %d to %d is free for a worker; stop what uses them or choose transport: socket", a.low, a.high)
}

// Release takes a port back; 0 and unknown ports are ignored.
func (a *PortAllocator) Release(port int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.used, port)
}

// Foreign reports whether a port that was handed out is bound although its
// worker is gone: somebody else has taken it.
func (a *PortAllocator) Foreign(port int) bool { return port != 0 && !a.free(port) }
