package healthcheck

import (
	"cmp"
	"context"
	"errors"
	"reflect"
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
	return newConfined(t, config.Security{}, r)
}

// newConfined returns the check of a pool whose workers are confined.
func newConfined(t *testing.T, security config.Security, r runner) Check {
	t.Helper()
	c, err := New(&config.Pool{
		Directory:   "/srv/app",
		Security:    security,
		HealthCheck: config.HealthCheck{Type: "exec", Command: []string{"check-it", "--deep"}},
	}, Env{Pool: "app", Runner: r, Environ: []string{"PATH=/bin", "PORT=1", "HOST=h", "SOCKET=s", "DROVER_WORKER_ID=outer-1.1", "PORTAL=x"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExecCheck_TellsTheProgramWhere(t *testing.T) {
	f := func(worker, network, address string, want ...string) {
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
		if err := c.Probe(t.Context(), Target{ID: cmp.Or(worker, "a"), Worker: worker != "", Network: network, Address: address}); err != nil {
			t.Error(err)
		}
	}
	f("", "tcp", "127.0.0.1:20003", "PATH=/bin", "PORTAL=x", "DROVER_POOL=app", "HOST=127.0.0.1", "PORT=20003")
	f("app-1.2", "tcp", "127.0.0.1:20003", "PATH=/bin", "PORTAL=x", "DROVER_POOL=app", "DROVER_WORKER_ID=app-1.2", "HOST=127.0.0.1", "PORT=20003")
	f("app-1.2", "", "", "PATH=/bin", "PORTAL=x", "DROVER_POOL=app", "DROVER_WORKER_ID=app-1.2") // it listens nowhere
	f("", "tcp", "[::1]:80", "PATH=/bin", "PORTAL=x", "DROVER_POOL=app", "HOST=::1", "PORT=80")
	f("", "unix", "/run/app-1.sock", "PATH=/bin", "PORTAL=x", "DROVER_POOL=app", "SOCKET=/run/app-1.sock")
}

// Workers may be able to change the program, so it gets no more rights than they have.
func TestExecCheck_RunsAsTheWorkersDo(t *testing.T) {
	f := func(security config.Security, want process.Bounds, environ ...string) {
		t.Helper()
		c := newConfined(t, security, func(_ context.Context, spec process.Spec) (process.Exit, error) {
			if !reflect.DeepEqual(spec.Bounds, want) {
				t.Errorf("%+v: bounds %+v", security, spec.Bounds)
			}
			for _, kv := range environ {
				if !slices.Contains(spec.Env, kv) {
					t.Errorf("no %s in %q", kv, spec.Env)
				}
			}
			return process.Exit{}, nil
		})
		if err := c.Probe(t.Context(), Target{Network: "tcp", Address: "127.0.0.1:1"}); err != nil {
			t.Error(err)
		}
	}
	f(config.Security{NoNewPrivileges: true}, process.Bounds{NoNewPrivileges: true})
	f(config.Security{User: "4711", Group: "4712"}, process.Bounds{Account: &process.Account{UID: 4711, GID: 4712, Groups: []int{4712}}})
	f(config.Security{User: "root", Group: "0"}, process.Bounds{Account: &process.Account{Groups: groupsOfRoot(t)}}, "HOME=/root", "USER=root", "LOGNAME=root")
}

func groupsOfRoot(t *testing.T) []int {
	t.Helper()
	a, err := config.Security{User: "root"}.Account()
	if err != nil {
		t.Fatal(err)
	}
	return a.Groups
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
