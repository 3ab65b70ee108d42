package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// installMissing gets what is not on this machine from its package manager. Load and backends are
// needed; a proxy that cannot be had is left out and named in the report.
func (l *lab) installMissing(ctx context.Context, wanted []peer) error {
	packages := map[string]string{"wrk": "wrk", "nginx": "nginx-light", "taskset": "util-linux"}
	if l.measuresWorkers() {
		packages["node"], packages["npm"], packages["redis-server"] = "nodejs", "npm", "redis-server"
	}
	for _, p := range wanted {
		if p.pkg != "" {
			packages[p.binary] = p.pkg
		}
	}
	var absent []string
	for program, pkg := range packages {
		if !installed(program) {
			absent = append(absent, pkg)
		}
	}
	if len(absent) > 0 {
		l.apt(ctx, absent)
	}
	for program, pkg := range packages {
		if installed(program) {
			continue
		}
		switch program {
		case "wrk", "nginx", "haproxy":
			return fmt.Errorf("%s is not installed and bench cannot do without; try: apt-get install %s", program, pkg)
		}
		l.missing = append(l.missing, program)
	}
	return nil
}

// measuresWorkers says whether one of the scenarios needs workers.
func (l *lab) measuresWorkers() bool {
	chosen, err := choose(scenarios(), strings.Split(l.options.scenarios, ","))
	return err == nil && slices.ContainsFunc(chosen, func(s scenario) bool { return s.contests != nil })
}

// findApps finds the workers' programs, and installs what they use.
func (l *lab) findApps(ctx context.Context) (err error) {
	if l.apps, err = filepath.Abs("bench/apps"); err != nil {
		return err
	}
	if l.sdk, err = filepath.Abs("sdk/node"); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(l.apps, "node_modules", "redis")); err == nil || !l.measuresWorkers() || !l.options.install {
		return nil
	}
	if out, err := exec.CommandContext(ctx, "npm", "ci", "--prefix", l.apps, "--no-audit", "--no-fund").CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in bench/apps: %w\n%s", err, out)
	}
	return nil
}

func installed(program string) bool {
	// Debian keeps servers where users do not look.
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if _, err := os.Stat(dir + "/" + program); err == nil {
			return true
		}
	}
	_, err := exec.LookPath(program)
	return err == nil
}

// apt installs without starting the services. What fails shows as a missing program afterwards.
func (l *lab) apt(ctx context.Context, packages []string) {
	if !l.options.install || os.Geteuid() != 0 {
		return
	}
	fmt.Fprintf(os.Stderr, "installing %s\n", strings.Join(packages, " "))
	env := append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	for _, args := range [][]string{{"update", "-qq"}, append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...)} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "apt-get %s: %v\n%s\n", args[0], err, out)
			return
		}
	}
}
