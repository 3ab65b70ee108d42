package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestRecycle_ByRequestsFailsNoRequestAndCutsNoStream(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, strings.Replace(journalSettings, "workers: 4",
		"workers: 2\n    strategy: round-robin # the streams keep least-connections away from a worker\n    processManagement: { maxRequests: 100, recycleJitter: 30% }", 1))
	d.waitRunning(2)
	u := disturb(d, drain)
	d.eventually("both workers are recycled", func() error {
		for _, w := range d.running() {
			if w.Generation < 3 || w.LastReason != "max-requests" {
				return fmt.Errorf("%s is there, the last left for %q", w.ID, w.LastReason)
			}
		}
		return nil
	})
	u.check()
	if d.waitRunning(2); len(d.workers()) > 3 {
		t.Errorf("more than one worker above the wanted number: %+v", d.workers())
	}
}
