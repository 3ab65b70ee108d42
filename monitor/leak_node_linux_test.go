package monitor

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
)

// A program that makes much garbage and, when told to, keeps
// some of it. It says when it has warmed up.
const nodeProgram = `
const leak = process.argv[1] === 'leak', kept = []
let rounds = 0
setInterval(() => {
  let garbage = []
  for (let i = 0; i < 10000; i++) garbage.push({ i, text: 'x' + i })
  if (leak) kept.push(garbage.slice(0, 300).map((o) => ({ ...o, more: new Array(8).fill(o.i) })))
  if (++rounds === 40) console.log('warm')
}, 50)
`

// nodePID starts the program and returns when it has warmed up.
func nodePID(t *testing.T, how string) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "--max-semi-space-size=1", "-e", nodeProgram, how)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() }) // it ends by the signal
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "warm\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd.Process.Pid
}

// The same rule on a clock that is 300 times as fast: an hour is twelve seconds.
func TestLeakWatch_FindsARealLeakOfNode(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	fast := DefaultLeakDetector
	for _, d := range []*time.Duration{&fast.WarmUp, &fast.Window, &fast.Hour, &fast.Horizon} {
		*d /= 300
	}
	leaks, healthy := nodePID(t, "leak"), nodePID(t, "keep nothing")
	m := NewSampler(25*time.Millisecond, func() []Target {
		return []Target{
			{ID: "leaks", PIDs: func() []int { return []int{leaks} }, MemoryLimit: 400 * mb, WatchLeaks: true},
			{ID: "healthy", PIDs: func() []int { return []int{healthy} }, MemoryLimit: 400 * mb, WatchLeaks: true},
		}
	})
	m.Leaks = NewLeakWatch(fast)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // most of twenty seconds where nothing else runs
	defer cancel()
	var found []string
	m.Leaks.OnLeak = func(target Target, v Verdict) {
		found = append(found, target.ID)
		t.Logf("%s: %s", target.ID, v)
		cancel()
	}
	if err := m.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if strings.Join(found, " ") != "leaks" {
		v, _ := m.Leaks.Verdict("leaks")
		t.Fatalf("found: %v, want the one that leaks; the verdict on it is %+v", found, v)
	}
	v, _ := m.Leaks.Verdict("leaks")
	if perSecond := v.Slope / fast.Hour.Seconds(); perSecond < 0.5*mb || perSecond > 20*mb {
		t.Errorf("it grows by %.1f MB a second", perSecond/mb)
	}
}
