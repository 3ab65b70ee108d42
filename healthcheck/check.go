package healthcheck

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/internal/peeruser"
)

// Check asks one upstream once. It returns nil when the upstream is well, else
// what was wrong. It honours the deadline of ctx, keeps nothing open, and may
// be used by several goroutines.
type Check interface {
	Probe(ctx context.Context, t Target) error
}

// Target is what a probe asks.
type Target struct {
	ID      string               // of the upstream; that of a worker is its id, app-3.7
	Network string               // tcp or unix
	Address string               // host:port, or a path; "" for a worker that listens nowhere
	Worker  bool                 // of drover's own; else an address of the settings
	Verify  func(net.Conn) error // of a connection before anything is sent; nil: any is good
}

// dial connects to the target.
func (t Target) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, t.Network, t.Address)
	return peeruser.Checked(nc, err, t.Verify)
}

// Env is what checks need beside the settings.
type Env struct {
	Pool    string   // name of the pool, for DROVER_POOL of exec checks
	Runner  Runner   // starts the program of exec checks
	Environ []string // what that program inherits, as NAME=value
	Pinger  Pinger   // reaches workers over their channel, for ipc checks
}

var checks = map[string]func(*config.Pool, Env) (Check, error){
	"http": func(cfg *config.Pool, _ Env) (Check, error) { return NewHTTPCheck(cfg.HealthCheck) },
	"tcp":  func(*config.Pool, Env) (Check, error) { return NewTCPCheck(), nil },
	"exec": func(cfg *config.Pool, env Env) (Check, error) { return NewExecCheck(cfg, env) },
	"ipc":  func(_ *config.Pool, env Env) (Check, error) { return NewIPCCheck(env) },
}

// New returns the check that a pool's settings ask for.
func New(cfg *config.Pool, env Env) (Check, error) {
	construct := checks[cfg.HealthCheck.Type]
	if construct == nil {
		return nil, fmt.Errorf("healthCheck.type: %q is not known; use one of %s",
			cfg.HealthCheck.Type, strings.Join(slices.Sorted(maps.Keys(checks)), ", "))
	}
	return construct(cfg, env)
}
