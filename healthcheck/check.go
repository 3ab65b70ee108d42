package healthcheck

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drover-proxy/drover/config"
)

// Check asks one upstream once. It returns nil when the upstream is well, else
// what was wrong. It honours the deadline of ctx, keeps nothing open, and may
// be used by several goroutines.
type Check interface {
	Probe(ctx context.Context, network, address string) error
}

var checks = map[string]func(*config.Pool, Exec) (Check, error){
	"http": func(cfg *config.Pool, _ Exec) (Check, error) { return NewHTTPCheck(cfg.HealthCheck) },
	"tcp":  func(*config.Pool, Exec) (Check, error) { return NewTCPCheck(), nil },
	"exec": func(cfg *config.Pool, env Exec) (Check, error) { return NewExecCheck(cfg, env) },
}

// New returns the check that a pool's settings ask for; env is used by exec
// checks only.
func New(cfg *config.Pool, env Exec) (Check, error) {
	construct := checks[cfg.HealthCheck.Type]
	if construct == nil {
		return nil, fmt.Errorf("healthCheck.type: %q is not known; use one of %s",
			cfg.HealthCheck.Type, strings.Join(slices.Sorted(maps.Keys(checks)), ", "))
	}
	return construct(cfg, env)
}
