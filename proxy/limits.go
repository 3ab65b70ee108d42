package proxy

import (
	"net/netip"
	"sync"
)

// admission counts open connections against server.limits, over all listeners.
type admission struct {
	mu    sync.Mutex
	open  int
	perIP map[netip.Addr]int
}

// Why a connection was refused; also the reason in drover_rejected_total.
const (
	tooManyConnections = "connections"
	tooManyFromAddress = "connections-per-ip"
	tooFewFiles        = "open-files"
)

// enter counts a connection in and returns "", or why it is refused.
// A limit of 0 is none.
func (a *admission) enter(ip netip.Addr, limit, limitPerIP int) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if limit > 0 && a.open >= limit {
		return tooManyConnections
	}
	if limitPerIP > 0 && ip.IsValid() && a.perIP[ip] >= limitPerIP {
		return tooManyFromAddress
	}
	a.open++
	// Counted even without a limit, since a reload may bring one.
	if ip.IsValid() {
		if a.perIP == nil {
			a.perIP = make(map[netip.Addr]int)
		}
		a.perIP[ip]++
	}
	return ""
}

// leave counts a connection out.
func (a *admission) leave(ip netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open--
	if !ip.IsValid() {
		return
	}
	if n := a.perIP[ip]; n > 1 {
		a.perIP[ip] = n - 1
	} else {
		delete(a.perIP, ip)
	}
}
