package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// loadCore is shared by wrk and the backends; a proxy has proxyCore to itself during its turn.
const loadCore, proxyCore = 0, 1

// lab is the machine made ready: folders, binaries, backends.
type lab struct {
	options  options
	dir      string
	bins     map[string]string // drover, drover-versus, httputil
	pin      bool
	backends []*child
	tcp      []endpoint
	unix     []endpoint
	missing  []string // proxies that are not here, and why
}

// endpoint is where a backend listens, as the settings' templates see it.
type endpoint struct {
	Address string
	Unix    bool
}

// newLab builds the binaries and starts the backends. What it started is ended by close.
func newLab(ctx context.Context, o options) (*lab, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("bench needs Linux: it reads /proc/PID/stat and pins cores; this is %s", runtime.GOOS)
	}
	dir, err := os.MkdirTemp("", "drover-bench-")
	if err != nil {
		return nil, err
	}
	l := &lab{options: o, dir: dir, bins: make(map[string]string)}
	if err := l.prepare(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) prepare(ctx context.Context) error {
	// nginx drops to another user as root; its workers read the bodies here.
	if err := os.Chmod(l.dir, 0o755); err != nil {
		return err
	}
	wanted, err := l.wanted()
	if err != nil {
		return err
	}
	if err := l.installMissing(ctx, wanted); err != nil {
		return err
	}
	_, err = exec.LookPath("taskset")
	l.pin = err == nil && runtime.NumCPU() > 1
	if err := l.buildAll(ctx, wanted); err != nil {
		return err
	}
	if err := l.writeBodies(); err != nil {
		return err
	}
	for range 2 {
		if err := l.startBackend(ctx); err != nil {
			return err
		}
	}
	return nil
}

// buildAll builds what is measured from this tree.
func (l *lab) buildAll(ctx context.Context, wanted []peer) error {
	for _, p := range wanted {
		switch {
		case p.binary == "drover" && l.options.drover != "":
			l.bins["drover"] = l.options.drover
		case p.binary == "drover-versus":
			l.bins["drover-versus"] = l.options.versus
		case p.source != "" && l.bins[p.binary] == "":
			l.bins[p.binary] = filepath.Join(l.dir, p.binary)
			build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", l.bins[p.binary], p.source)
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				return fmt.Errorf("build %s: %w\n%s", p.source, err, out)
			}
		}
	}
	for name, path := range l.bins {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		l.bins[name] = absolute
	}
	return nil
}

func (l *lab) writeBodies() error {
	files := filepath.Join(l.dir, "files")
	if err := os.Mkdir(files, 0o755); err != nil {
		return err
	}
	for name, size := range map[string]int{"64k": 64 << 10, "10m": 10 << 20} {
		if err := os.WriteFile(filepath.Join(files, name), make([]byte, size), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) startBackend(ctx context.Context) error {
	n := len(l.backends)
	dir, err := l.folder("backend" + strconv.Itoa(n))
	if err != nil {
		return err
	}
	listen, err := freeAddress()
	if err != nil {
		return err
	}
	socket := filepath.Join(dir, "nginx.sock")
	settings := filepath.Join(dir, "nginx.conf")
	values := map[string]any{"Dir": dir, "Listen": listen, "Socket": socket, "Files": filepath.Join(l.dir, "files")}
	if err := render("backend.conf", settings, values); err != nil {
		return err
	}
	name, args := l.pinned(loadCore, "nginx", []string{"-c", settings, "-e", filepath.Join(dir, "error.log")})
	c, err := startChild("backend", dir, nil, append([]string{name}, args...)...)
	if err != nil {
		return err
	}
	l.backends = append(l.backends, c)
	l.tcp = append(l.tcp, endpoint{Address: listen})
	l.unix = append(l.unix, endpoint{Address: socket, Unix: true})
	return c.awaitListener(ctx, "tcp", listen)
}

// pinned puts taskset before a command.
func (l *lab) pinned(core int, name string, args []string) (string, []string) {
	if !l.pin {
		return name, args
	}
	return "taskset", append([]string{"-c", strconv.Itoa(core), name}, args...)
}

// folder makes a folder that also nginx's own user may write to.
func (l *lab) folder(name string) (string, error) {
	dir := filepath.Join(l.dir, name)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o777)
}

func (l *lab) close() {
	for _, c := range l.backends {
		c.stop()
	}
	_ = os.RemoveAll(l.dir) // a rest in the temporary folder is not worth a failure
}

// settle is how long a proxy may finish what a turn left behind before the next one is measured.
const settle = 200 * time.Millisecond
