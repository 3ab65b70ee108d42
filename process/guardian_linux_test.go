package process_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

// shapes are programs whose processes do not all die with the one that drover started.
func shapes(t *testing.T) map[string]process.Spec {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "package.json"), `{"name":"x","version":"1.0.0","scripts":{"start":"node server.js"}}`)
	write(t, filepath.Join(dir, "server.js"), `require("http").createServer((q,s)=>s.end("ok")).listen(0,"127.0.0.1");`)
	identified := func(spec process.Spec) process.Spec {
		spec.ID = "app-1.1"
		spec.Env = append(spec.Env, "DROVER_WORKER_ID=app-1.1", "NOTIFY_SOCKET="+dir+"/notify.sock")
		return spec
	}
	return map[string]process.Spec{
		"one":            shell("exec sleep 1000"),
		"shell":          shell("sleep 1000 & sleep 1000 & wait"),
		"deep":           shell("sh -c 'sh -c \"sleep 1000; true\"; true'; true"),
		"ignores TERM":   shell("trap '' TERM; sleep 1000; true"),
		"job control":    shell("set -m; sleep 1000 & sleep 1000 & wait"),
		"own session":    identified(shell("setsid sleep 1000 & sleep 1000")),
		"daemon":         identified(shell("(setsid sleep 1000 &) ; sleep 1000")),
		"worker":         identified(worker("neverlisten")),
		"fork":           identified(worker("fork", "neverlisten")),
		"npm start":      {Argv: []string{"npm", "start"}, Dir: dir, Env: environ(nil)},
		"node and shell": {Argv: []string{"/bin/sh", "-c", "node server.js & wait"}, Dir: dir, Env: environ(nil)},
	}
}

// complete is how many processes each shape has when it is complete.
func complete(shape string) int {
	switch shape {
	case "one", "worker":
		return 1
	case "shell", "deep", "job control":
		return 3
	case "npm start": // npm, sh and node, or without the sh
		return 2
	}
	return 2
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestGuardian_EndsTreesWhenDroverWasKilled(t *testing.T) {
	for shape, spec := range shapes(t) {
		t.Run(shape, func(t *testing.T) {
			if strings.Contains(shape, "node") || strings.Contains(shape, "npm") {
				workertest.Need(t, "node")
				workertest.Need(t, "npm")
			}
			h := startHost(t, nil, spec)
			h.await("host started")
			eventually(t, "all processes run", func() bool { return len(tagged(h.tag)) >= complete(shape) })
			guardian := h.guardian()
			killed := time.Now()
			h.kill()
			eventually(t, "all processes are gone", func() bool { return len(tagged(h.tag)) == 0 })
			t.Logf("gone after %v", time.Since(killed))
			eventually(t, "the guardian is gone", func() bool { return !alive(guardian) })
		})
	}
}

// settled waits until n processes were seen and "sleep 1234" among them has left its session, and
// looks once more, upon which the guardian is told of it.
func (h *aHost) settled(n int) []int {
	h.t.Helper()
	eventually(h.t, fmt.Sprintf("%d processes run, one of them elsewhere", n), func() bool {
		all := h.tree()
		return len(all) == n && slices.ContainsFunc(all, func(pid int) bool {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			return err == nil && string(text) == "sleep\x001234\x00"
		})
	})
	return h.tree()
}

func TestGuardian_EndsWhatLeftWithoutAMark(t *testing.T) {
	h := startHost(t, nil, shell("setsid env -i sleep 1234 & sleep 1000"))
	h.await("host started")
	all := h.settled(3)
	h.kill()
	eventually(t, "all processes are gone", func() bool {
		for _, pid := range all {
			if alive(pid) {
				return false
			}
		}
		return true
	})
}

func TestGuardian_EndsManyTrees(t *testing.T) {
	const trees = 60
	var specs []process.Spec
	for i := range trees {
		spec := shell("(setsid sleep 1000 &) ; sleep 1000; true")
		spec.ID = fmt.Sprintf("app-%d.1", i)
		spec.Env = append(spec.Env, "DROVER_WORKER_ID="+spec.ID, "NOTIFY_SOCKET=/run/"+t.Name())
		specs = append(specs, spec)
	}
	h := startHost(t, nil, specs...)
	h.await("host started")
	eventually(t, "all run", func() bool { return len(tagged(h.tag)) == 3*trees })
	killed := time.Now()
	h.kill()
	eventually(t, "all processes are gone", func() bool { return len(tagged(h.tag)) == 0 })
	t.Logf("gone after %v", time.Since(killed))
}

func TestGuardian_IsReplacedAndKnowsAll(t *testing.T) {
	h := startHost(t, nil, shell("sleep 1000 & wait"), shell("setsid env -i sleep 1234 & sleep 1000"))
	h.await("host started")
	all := h.settled(5)
	for range 2 {
		first := h.guardian()
		if first == 0 {
			t.Fatal("no guardian")
		}
		if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "there is another guardian", func() bool { g := h.guardian(); return g != 0 && g != first })
	}
	h.kill()
	eventually(t, "all processes are gone", func() bool {
		for _, pid := range all {
			if alive(pid) {
				return false
			}
		}
		return true
	})
}

func TestGuardian_GoesWithoutKilling(t *testing.T) {
	h := startHost(t, nil, shell("sleep 1000 & wait"))
	h.await("host started")
	guardian := h.guardian()
	eventually(t, "the guardian is up", func() bool { return strings.HasSuffix(status(guardian, "SigIgn"), "7") }) // 1, 2, 3
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if err := syscall.Kill(guardian, sig); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the shell has forked", func() bool { return len(h.tree()) == 2 })
	if !alive(guardian) {
		t.Error("a signal ended the guardian")
	}
	if got := h.ask("close"); got != "closed <nil>" {
		t.Error(got)
	}
	eventually(t, "the guardian is gone", func() bool { return !alive(guardian) })
}

func TestGuardian_TakesLittle(t *testing.T) {
	h := startHost(t, nil, shell("exec sleep 1000"))
	h.await("host started")
	guardian := h.guardian()
	anonymous, err := strconv.Atoi(strings.TrimSuffix(status(guardian, "RssAnon"), " kB"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("RssAnon %d kB, RssFile %s", anonymous, status(guardian, "RssFile"))
	if !raceDetector && anonymous > 10<<10 {
		t.Errorf("the guardian takes %d kB", anonymous)
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", guardian))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", guardian, fd.Name())) // gone: empty
		if n, err := strconv.Atoi(fd.Name()); err == nil && n < 3 && target != "/dev/null" {
			t.Errorf("the guardian holds %s as %d", target, n)
		}
	}
}
