package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
)

// describe names what was measured and on what, without the machine's name or folders.
func (l *lab) describe(o options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Machine: %s, %d CPUs, %s/%s, Linux %s.\n", model(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH,
		firstWord(read("/proc/sys/kernel/osrelease")))
	pinned := "Load and backends on core 0, the proxy on core 1"
	if !l.pin {
		pinned = "Not pinned to cores (one CPU, or no taskset): absolute numbers and ratios are rough"
	}
	fmt.Fprintf(&b, "%s; turns in a scenario: %d of %s each, the proxies one after the other; ratios within a round, against HAProxy.\n", pinned, o.rounds, o.turn)
	if o.quick {
		b.WriteString("Quick run: shows that everything works; the numbers mean little.\n")
	}
	b.WriteString("Versions:")
	sep := " "
	for _, v := range []struct {
		name, pattern string
		argv          []string
	}{
		{"drover", `\S.*`, []string{"git", "describe", "--tags", "--always", "--dirty"}},
		{"Go", `go\d\S+`, []string{"go", "version"}},
		{"HAProxy", `\d+\.\d+\.\d+\S*`, []string{"haproxy", "-v"}},
		{"nginx", `\d+\.\d+\.\d+\S*`, []string{"nginx", "-v"}},
		{"Caddy", `\d+\.\d+\.\d+\S*`, []string{"caddy", "version"}},
		{"wrk", `\d+\.\d+\.\d+\S*`, []string{"wrk", "-v"}},
		{"Node.js", `\d+\.\d+\.\d+\S*`, []string{"node", "-v"}},
		{"Redis", `\d+\.\d+\.\d+`, []string{"redis-server", "-v"}},
	} {
		out, _ := exec.Command(v.argv[0], v.argv[1:]...).CombinedOutput() // wrk -v ends with 1; a missing one has no version
		if version := regexp.MustCompile(v.pattern).FindString(string(out)); version != "" {
			fmt.Fprintf(&b, "%s%s %s", sep, v.name, version)
			sep = ", "
		}
	}
	b.WriteString(".\n")
	if len(l.missing) > 0 {
		fmt.Fprintf(&b, "Not installed and left out: %s.\n", strings.Join(l.missing, ", "))
	}
	return b.String()
}

// model returns the processor's name.
func model() string {
	for line := range strings.SplitSeq(read("/proc/cpuinfo"), "\n") {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t: "))
		}
	}
	return "unnamed processor"
}

func read(path string) string {
	raw, _ := os.ReadFile(path) // what cannot be read is left out of the description
	return string(raw)
}

func firstWord(s string) string {
	words := strings.Fields(s)
	if len(words) == 0 {
		return "unknown"
	}
	return words[0]
}
