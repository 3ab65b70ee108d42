package main

import (
	"fmt"
	"os"
)

// lastLines is how much of the workers' output is printed when none of them
// ever became ready.
const lastLines = 20

// hopeless reports whether no worker of any pool was ever ready and every pool
// has given up (interface §1), with the reason of one of them. An orchestrator
// then sees a bad image instead of a front that answers 503 for ever. What a
// reload adds to a drover that has served cannot end it.
func (d *drover) hopeless() (reason string, hopeless bool) {
	if d.proven.Load() {
		return "", false
	}
	for _, u := range d.allUnits() {
		if u.sup == nil {
			continue
		}
		if u.sup.EverReady() {
			d.proven.Store(true)
			return "", false
		}
		given, why := u.sup.Hopeless()
		if !given {
			return "", false
		}
		reason, hopeless = fmt.Sprintf("pool %s: %s", u.pool.Name(), why), true
	}
	return reason, hopeless
}

// reportHopeless prints why drover gives up, with the end of the workers' output.
func (d *drover) reportHopeless(reason string) {
	fmt.Fprintf(os.Stderr, "drover: no worker ever became ready: %s\n", reason)
	for _, u := range d.allUnits() {
		if u.sup == nil {
			continue
		}
		lines := d.collector.Last(u.pool.Name(), lastLines)
		if len(lines) == 0 {
			fmt.Fprintf(os.Stderr, "the workers of pool %s printed nothing\n", u.pool.Name())
			continue
		}
		fmt.Fprintf(os.Stderr, "last output of pool %s:\n", u.pool.Name())
		for _, line := range lines {
			fmt.Fprintf(os.Stderr, "    %s\n", line)
		}
	}
}
