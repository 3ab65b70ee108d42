package process_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/internal/cgroupfs"
	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

const groupsEnv = "DROVER_TEST_GROUPS" // the controller

// grouped makes its groups, says where, and removes them when its input ends.
func grouped() {
	controller := os.Getenv(groupsEnv)
	if controller == "" {
		return
	}
	folder, remove, err := process.MakeGroups(controller)
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println(folder)
	_, _ = io.Copy(io.Discard, os.Stdin) // the test has closed it, or is gone
	remove()
	os.Exit(0)
}

// grouping is a process that runs grouped.
type grouping struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	folder string
}

func startGrouping(t *testing.T, controller, in string) *grouping {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$1"`, in, os.Args[0])
	cmd.Env = environ(map[string]string{groupsEnv: controller})
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close() }) // it may have ended
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, in[:strings.LastIndex(in, "/drover-test-")]) {
		t.Fatalf("it says %q, %v", line, err)
	}
	return &grouping{cmd, stdin, strings.TrimSpace(line)}
}

func (g *grouping) end(t *testing.T) {
	t.Helper()
	_ = g.stdin.Close() // Wait has the reason, if any
	if err := g.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func readGroup(t *testing.T, folder, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// TestCgroup_AnHeirHasItsOwnBesideTheLegacy is about version 2, where a group that has processes cannot
// bound groups below it: a new drover that takes over must not stay in the group of the old one.
func TestCgroup_AnHeirHasItsOwnBesideTheLegacy(t *testing.T) {
	workertest.Need(t, "root")
	own, err := cgroupfs.Own()
	if err != nil || own.V2.Mount == "" {
		workertest.Lack(t, "control groups of version 2 are not mounted")
	}
	// Any controller does for the rules of groups.
	controller, _, _ := strings.Cut(readGroup(t, own.V2.Mount, "cgroup.controllers"), " ")
	if controller == "" {
		workertest.Lack(t, "version 2 has no controller")
	}
	group := filepath.Join(own.V2.Mount, fmt.Sprintf("drover-test-%d", os.Getpid()))
	before := readGroup(t, own.V2.Mount, "cgroup.subtree_control")
	if err := os.WriteFile(filepath.Join(own.V2.Mount, "cgroup.subtree_control"), []byte("+"+controller), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(group); err != nil {
			t.Error(err)
		}
		if !strings.Contains(before, controller) {
			_ = os.WriteFile(filepath.Join(own.V2.Mount, "cgroup.subtree_control"), []byte("-"+controller), 0) // others use it
		}
	})
	old := startGrouping(t, controller, group)
	heir := startGrouping(t, controller, filepath.Join(old.folder, "main"))
	next := startGrouping(t, controller, filepath.Join(heir.folder, "main"))
	for _, g := range []*grouping{old, heir, next} {
		if filepath.Dir(g.folder) != group {
			t.Errorf("%s is not in %s", g.folder, group)
		}
		if got := readGroup(t, filepath.Join(g.folder, "main"), "cgroup.procs"); got != fmt.Sprint(g.cmd.Process.Pid) {
			t.Errorf("%s/main has the processes %q, and not only %d", g.folder, got, g.cmd.Process.Pid)
		}
		if got := readGroup(t, g.folder, "cgroup.subtree_control"); got != controller {
			t.Errorf("groups in %s are bounded by %q", g.folder, got)
		}
	}
	old.end(t)
	heir.end(t)
	if got := readGroup(t, next.folder, "cgroup.subtree_control"); got != controller {
		t.Errorf("without its legacy it can bound by %q", got)
	}
	next.end(t)
	if left, err := filepath.Glob(filepath.Join(group, "drover-*")); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	if got := readGroup(t, group, "cgroup.subtree_control"); got != "" {
		t.Errorf("%s still bounds by %q", group, got)
	}
}
