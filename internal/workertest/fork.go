package workertest

import (
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
)

const (
	// What the grandchild of daemonize does.
	daemonMode = "ignoreterm"
	// The middle process of daemonize and the child of fork. They are no modes for tests.
	orphanMode = "daemonize-middle"
	holderMode = "fork-holder"
)

// fork leaves a child in the same group that holds this worker's stdout and stderr.
func fork(args []string) {
	start(holderMode, nil)
	then(args)
}

// daemonize leaves a grandchild that is in no group or session of this worker and whose parent is gone.
func daemonize(args []string) {
	middle := start(orphanMode, nil)
	if err := middle.Wait(); err != nil {
		fail("daemonize: %v", err)
	}
	then(args)
}

func orphan() {
	start(daemonMode, &syscall.SysProcAttr{Setsid: true})
}

// then goes on as the mode that the arguments name.
func then(args []string) {
	if len(args) > 0 {
		act(args[0], args[1:])
	}
}

func start(mode string, attr *syscall.SysProcAttr) *exec.Cmd {
	cmd := exec.Command(executable())
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, modeEnv+"=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, modeEnv+"="+mode)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = os.Stdout, os.Stderr, attr
	if err := cmd.Start(); err != nil {
		fail("start %s: %v", mode, err)
	}
	return cmd
}

func holdOutput() {
	signal.Ignore(syscall.SIGTERM)
	select {}
}
