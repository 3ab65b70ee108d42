package process_test

import (
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

func TestMain(m *testing.M) {
	process.Main()
	host() // does not return in a process started by startHost
	grouped()
	workertest.Main(m)
}

func newSpawner(t testing.TB, o process.Options) *process.Spawner {
	t.Helper()
	s, err := process.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// worker returns what starts a test worker.
func worker(mode string, args ...string) process.Spec {
	argv, env := workertest.Command(mode, args...)
	return process.Spec{Argv: argv, Env: environ(env), Stderr: os.Stderr}
}

func environ(extra map[string]string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		env = append(env, name+"="+extra[name])
	}
	return env
}

func shell(script string) process.Spec {
	return process.Spec{Argv: []string{"/bin/sh", "-c", script}, Env: environ(nil), Stderr: os.Stderr}
}

func start(t testing.TB, s *process.Spawner, spec process.Spec) *process.Process {
	t.Helper()
	p, err := s.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
