package proxy

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/metrics"
)

// table is what one listener does with requests. It is immutable; a request
// loads it once and uses it to the end, so that a reload changes none half way.
type table struct {
	name       string // of the listener
	protocol   string // http or tcp: what new connections speak
	router     router
	own        *target // the listener's pool; nil: none
	trust      trust
	timeouts   timeouts
	limits     limits
	drain      time.Duration
	unrouted   *metrics.Request    // requests that reach no pool
	connection *metrics.Connection // open connections
	tunnels    *metrics.Connection // upgraded ones
}

type timeouts struct {
	requestHeader, requestBodyIdle, keepAlive, responseWrite, tunnelIdle time.Duration
}

type limits struct {
	connections, perIP, header, headers int
	body                                int64
}

// readBuffer is the size of a reader that takes the largest head allowed: a
// header section, and a request line of the same length at most.
func (l *limits) readBuffer() int {
	if l.header <= 0 {
		return 1 << 20
	}
	return 2*l.header + 1<<10
}

func (s *Server) newTable(cfg *config.Config, l config.Listener, targets *targets) (*table, error) {
	networks, err := newTrust(cfg.Server.TrustedProxies)
	if err != nil {
		return nil, err
	}
	c := &cfg.Server
	t := &table{
		name: l.Name, protocol: l.Protocol, trust: networks, drain: c.Timeouts.Drain.Std(),
		timeouts: timeouts{
			requestHeader: c.Timeouts.RequestHeader.Std(), requestBodyIdle: c.Timeouts.RequestBodyIdle.Std(),
			keepAlive: c.Timeouts.KeepAlive.Std(), responseWrite: c.Timeouts.ResponseWriteIdle.Std(),
			tunnelIdle: c.Timeouts.TunnelIdle.Std(),
		},
		limits: limits{
			connections: c.Limits.Connections, perIP: c.Limits.ConnectionsPerIP,
			header: int(c.Limits.HeaderBytes), headers: c.Limits.Headers, body: int64(c.Limits.BodyBytes),
		},
		unrouted:   s.metrics.Request(l.Name, ""),
		connection: s.metrics.Connection(l.Name, l.Protocol),
		tunnels:    s.metrics.Connection(l.Name, protocolUpgrade),
	}
	if l.Pool != "" {
		if t.own, err = targets.get(l.Name, l.Pool, nil, "server.listeners"); err != nil {
			return nil, err
		}
	}
	if l.Protocol == protocolTCP {
		return t, nil
	}
	for i := range cfg.Routes {
		where := fmt.Sprintf("routes[%d]", i)
		r, err := newRoute(where+".match", cfg.Routes[i].Match)
		if err != nil {
			return nil, err
		}
		if r.target, err = targets.get(l.Name, cfg.Routes[i].Pool, &cfg.Routes[i], where); err != nil {
			return nil, err
		}
		t.router.routes = append(t.router.routes, r)
	}
	return t, nil
}

// The protocols of a listener, and the label of connections that were upgraded.
const (
	protocolHTTP    = "http"
	protocolTCP     = "tcp"
	protocolUpgrade = "upgrade"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
