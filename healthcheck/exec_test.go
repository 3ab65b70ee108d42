package healthcheck

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/process"
)

// runner stands for the spawner.
type runner func(ctx context.Context, spec process.Spec) (process.Exit, error)

func (r runner) Run(ctx context.Context, spec process.Spec) (process.Exit, error) {
	return r(ctx, spec)
}

func newExec(t *testing.T, r runner) Check {
	t.Helper()
	c, err := New(&config.Pool{
		Directory:   "/srv/app",
		HealthCheck: config.HealthCheck{Type: "exec", Command: []string{"check-it", "--deep"}},
	}, Env{Pool: "app", Runner: r, Environ: []string{"PATH=/bin", "PORT=1", "HOST=h", "SOCKET=s", "PORTAL=x"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExecCheck_TellsTheProgramWhere(t *testing.T) {
	f := func(network, address string, want ...string) {
		t.Helper()
		c := newExec(t, func(_ context.Context, spec process.Spec) (process.Exit, error) {
			if !slices.Equal(spec.Argv, []string{"check-it", "--deep"}) || spec.Dir != "/srv/app" {
				t.Errorf("started %q in %q", spec.Argv, spec.Dir)
			}
			if !slices.Equal(spec.Env, want) {
				t.Errorf("%s: environment %q, want %q", address, spec.Env, want)
			}
			if spec.Stdout != nil || spec.Stderr != nil {
				t.Error("output goes somewhere")
			}
			return process.Exit{}, nil
		})
		if err := c.Probe(t.Context(), Target{Network: network, Address: address}); err != nil {
			t.Error(err)
		}
	}
	f("tcp", "127.0.0.1:20003", "PATH=/bin", "PORTAL=x", "DROVER_POOL=app", "HOST=127.0.0.1", "PORT=20003")
	f("", "", "PATH=/bin", "PORTAL=x", "DROVER_POOL=app") // it listens nowhere
	f("tcp", "[::1]:80", "PATH=/bin", "PORTAL=x", "DROVER_POOL=app", "HOST=::1", "PORT=80")
	f("unix", "/run/app-1.sock", "PATH=/bin", "PORTAL=x", "DROVER_POOL=app", "SOCKET=/run/app-1.sock")
}

func TestExecCheck_PassesOnZeroOnly(t *testing.T) {
	f := func(exit process.Exit, err error, want string) {
		t.Helper()
		c := newExec(t, func(context.Context, process.Spec) (process.Exit, error) { return exit, err })
		got := c.Probe(t.Context(), Target{Network: "tcp", Address: "127.0.0.1:1"})
		if want == "" && got != nil || want != "" && (got == nil || !strings.Contains(got.Error(), want)) {
			t.Errorf("error %v, want %q", got, want)
		}
	}
	f(process.Exit{}, nil, "")
	f(process.Exit{Code: 3}, nil, "check-it: ")
	f(process.Exit{Code: -1, Signal: 9}, nil, "check-it: ")
	f(process.Exit{}, errors.New("not found"), "not found")
}

func TestExecCheck_TimeoutIsAFailure(t *testing.T) {
	c := newExec(t, func(ctx context.Context, _ process.Spec) (process.Exit, error) {
		<-ctx.Done()
		return process.Exit{Code: -1, Signal: 9}, ctx.Err()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	if err := c.Probe(ctx, Target{Network: "tcp", Address: "127.0.0.1:1"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
