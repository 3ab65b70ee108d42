package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

func TestHung_WritesDownWhatItIsDoing(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(sampleSettings(1, `healthCheck: { interval: 1s, maxFailures: 2 }
    processManagement: { dumpSignal: SIGQUIT }`, ""))
	d.waitRunning(1)
	if err := syscall.Kill(d.running()[0].PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	d.eventually("the worker that was stopped is replaced", func() error {
		if w := d.running(); len(w) != 1 || w[0].Generation != 2 || w[0].LastReason != "probe-failed" {
			return fmt.Errorf("workers %+v", w)
		}
		return nil
	})
	d.eventually("its stacks are in the log, with what it was doing", func() error {
		for _, part := range []string{"SIGQUIT: quit", "goroutine ", "(stopped)"} {
			if out := d.output(); !strings.Contains(out, part) {
				return fmt.Errorf("there is no %q", part)
			}
		}
		return nil
	})
}
