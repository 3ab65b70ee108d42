package healthcheck

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/process"
)

// Runner runs a program to its end, and ends its whole tree when ctx is done.
// It is satisfied by *process.Spawner.
type Runner interface {
	Run(ctx context.Context, spec process.Spec) (process.Exit, error)
}

// ExecCheck runs a program, in the pool's directory and as the user that its
// workers run as, who may be able to change the program; the upstream is well
// when it exits with 0. The program finds DROVER_POOL, that of a worker also
// DROVER_WORKER_ID, and the upstream's address in HOST and PORT, or in SOCKET;
// neither for a worker that listens nowhere. Its output is discarded.
type ExecCheck struct {
	argv   []string
	dir    string
	env    Env
	own    map[string]string // variables of its user
	bounds process.Bounds
}

// NewExecCheck returns an ExecCheck for command and directory of the settings.
func NewExecCheck(cfg *config.Pool, env Env) (*ExecCheck, error) {
	if len(cfg.HealthCheck.Command) == 0 {
		return nil, errors.New("healthCheck.command: is empty; name the program that type exec is to run")
	}
	if env.Runner == nil {
		return nil, errors.New("healthCheck.type: exec needs something that runs programs")
	}
	account, err := cfg.Security.Account()
	if err != nil {
		return nil, fmt.Errorf("security: %w", err)
	}
	c := &ExecCheck{argv: cfg.HealthCheck.Command, dir: cfg.Directory, env: env, own: account.Environ(),
		bounds: process.Bounds{NoNewPrivileges: cfg.Security.NoNewPrivileges}}
	if account != nil {
		c.bounds.Account = &process.Account{UID: account.UID, GID: account.GID, Groups: account.Groups}
	}
	return c, nil
}

// Probe implements Check.
func (c *ExecCheck) Probe(ctx context.Context, t Target) error {
	exit, err := c.env.Runner.Run(ctx, process.Spec{
		ID:     c.env.Pool + "-healthcheck",
		Argv:   c.argv,
		Dir:    c.dir,
		Env:    c.environ(t),
		Bounds: c.bounds,
	})
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: did not end in time: %w", c.argv[0], ctx.Err())
	case err != nil:
		return err // it names program and remedy
	case exit.Code != 0:
		return fmt.Errorf("%s: %s", c.argv[0], exit)
	}
	return nil
}

func (c *ExecCheck) environ(t Target) []string {
	env := slices.DeleteFunc(slices.Clone(c.env.Environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		_, own := c.own[name]
		return own || slices.Contains([]string{"DROVER_POOL", "DROVER_WORKER_ID", "HOST", "PORT", "SOCKET"}, name)
	})
	for _, name := range slices.Sorted(maps.Keys(c.own)) {
		env = append(env, name+"="+c.own[name])
	}
	env = append(env, "DROVER_POOL="+c.env.Pool)
	if t.Worker {
		env = append(env, "DROVER_WORKER_ID="+t.ID)
	}
	switch {
	case t.Address == "":
		return env
	case t.Network == "unix":
		return append(env, "SOCKET="+t.Address)
	}
	host, port, err := net.SplitHostPort(t.Address)
	if err != nil {
		host = t.Address
	}
	return append(env, "HOST="+host, "PORT="+port)
}
