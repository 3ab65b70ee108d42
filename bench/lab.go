package main

import (
	"context"
	"errors"
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
	dir      string            // logs, settings, bodies
	built    string            // folder of what was built: it may not be allowed to run programs in dir
	bins     map[string]string // drover, drover-versus, httputil, load, sink
	pin      bool
	backends []*child
	reached  map[backends][]endpoint
	missing  []string // proxies that are not here
	folders  int      // made so far
	keys     string   // wrk's script that asks for a thousand paths
	rate     string   // of the latency scenario, requests per second
	apps     string   // folder of the workers' programs
	sdk      string   // what drover's workers load
}

// endpoint is where a backend listens, as the settings' templates see it.
type endpoint struct {
	Address string
	Unix    bool
	Weight  int // 0: none
}

// newLab builds the binaries and starts the backends. What it started is ended by close.
func newLab(ctx context.Context, o options) (*lab, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("bench needs Linux: it reads /proc/PID/stat and pins cores; this is %s", runtime.GOOS)
	}
	dir, err := os.MkdirTemp(scratch(), "drover-bench-")
	if err != nil {
		return nil, err
	}
	l := &lab{options: o, dir: dir, bins: make(map[string]string), reached: make(map[backends][]endpoint)}
	if err := l.prepare(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) prepare(ctx context.Context) (err error) {
	if l.built, err = os.MkdirTemp("", "drover-bench-"); err != nil {
		return err
	}
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
	if err := l.findApps(ctx); err != nil {
		return err
	}
	if err := l.buildAll(ctx, wanted); err != nil {
		return err
	}
	if err := l.writeBodies(); err != nil {
		return err
	}
	l.keys = filepath.Join(l.dir, "keys.lua")
	if err := render("keys.lua", l.keys, nil); err != nil {
		return err
	}
	for n := range 2 {
		if err := errors.Join(l.startBackend(ctx, n), l.startSink(ctx)); err != nil {
			return err
		}
	}
	l.reached[many] = alternate(l.reached[many])
	return nil
}

// buildAll builds what is measured and what it is measured with from this tree.
func (l *lab) buildAll(ctx context.Context, wanted []peer) error {
	for _, p := range wanted {
		switch {
		case p.binary == "drover" && l.options.drover != "":
			l.bins["drover"] = l.options.drover
		case p.binary == "drover-versus":
			l.bins["drover-versus"] = l.options.versus
		case p.source != "" && l.bins[p.binary] == "":
			if err := l.build(ctx, p.binary, p.source); err != nil {
				return err
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
	return errors.Join(l.build(ctx, "load", "./bench/load"), l.build(ctx, "sink", "./bench/sink"))
}

func (l *lab) build(ctx context.Context, name, source string) error {
	l.bins[name] = filepath.Join(l.built, name)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", l.bins[name], source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", source, err, out)
	}
	return nil
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
	l.folders++
	dir := filepath.Join(l.dir, fmt.Sprintf("%d-%s", l.folders, name))
	if err := os.Mkdir(dir, 0o777); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o777)
}

func (l *lab) close() {
	for _, c := range l.backends {
		c.stop()
	}
	for _, dir := range []string{l.dir, l.built} {
		_ = os.RemoveAll(dir) // a rest in the temporary folder is not worth a failure
	}
}

// settle is how long a proxy may finish what a turn left behind before the next one is measured.
const settle = 100 * time.Millisecond
