package healthcheck

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/process"
)

func TestExecCheck_RunsRealPrograms(t *testing.T) {
	spawner, err := process.New(process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := spawner.Close(); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	f := func(script string, timeout time.Duration) error {
		t.Helper()
		c, err := New(&config.Pool{
			Directory:   dir,
			HealthCheck: config.HealthCheck{Type: "exec", Command: []string{"sh", "-c", script}},
		}, Env{Pool: "app", Runner: spawner, Environ: os.Environ()})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		return c.Probe(ctx, Target{Network: "tcp", Address: "127.0.0.1:1234"})
	}
	if err := f(`echo $DROVER_POOL $HOST $PORT > seen; head -c 1000000 /dev/zero`, time.Minute); err != nil {
		t.Error(err)
	}
	seen, err := os.ReadFile(filepath.Join(dir, "seen"))
	if err != nil || string(seen) != "app 127.0.0.1 1234\n" {
		t.Errorf("the program saw %q (%v)", seen, err)
	}
	if err := f("exit 3", time.Minute); err == nil || err.Error() != "sh: exit status 3" {
		t.Errorf("exit 3: %v", err)
	}
	if err := f("kill -9 $$", time.Minute); err == nil || err.Error() != "sh: signal: killed" {
		t.Errorf("killed: %v", err)
	}
	if err := f("sleep 1000 & sleep 1000", 100*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a program that hangs: %v", err)
	}
}
