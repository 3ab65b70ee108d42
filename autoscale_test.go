package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// scaledSettings is a pool of one to four workers that answer slowly, on a
// shortened clock.
const scaledSettings = `
server:
  listeners: [ { address: "${FRONT}", pool: app } ]
  timeouts: { drain: 20s }
pools:
  app:
    command: ["${DROVER}", sample-app]
    workers: 1
    healthCheck: { interval: 100ms, timeout: 100ms, maxFailures: 100 }
    autoScaling:
      enabled: true
      maxWorkers: 4
      targetInFlightPerWorker: 4
      scaleUpThreshold: { cpu: 0 }   # the machine of a test may be busy with others
      scaleDownThreshold: { cpu: 0, idleTime: 2s }
      scaleUpCooldown: 300ms
      scaleDownCooldown: 300ms
monitoring: { sampleInterval: 250ms }
admin: { address: "${ADMIN}" }
`

// slowFor is a request that takes so many milliseconds.
func slowFor(ms int) requester {
	return requester{"slow GET", func(c *client, _ int) error {
		return expect(c, "GET", fmt.Sprintf("/slow?ms=%d", ms), "", 200, fmt.Sprintf("waited %d ms\n", ms))
	}}
}

// poolScaling is what the test reads of GET /api/v1/pools/app.
type poolScaling struct {
	Wanted      int `json:"wanted"`
	Ready       int `json:"ready"`
	AutoScaling struct {
		Desired int    `json:"desired"`
		Manual  bool   `json:"manual"`
		Blocked string `json:"blocked"`
	} `json:"autoScaling"`
}

func (d *instance) waitScaled(what string, ok func(poolScaling) bool) {
	d.t.Helper()
	d.eventually(what, func() error {
		var p poolScaling
		if d.get("/api/v1/pools/app", &p); !ok(p) {
			return fmt.Errorf("it is %+v", p)
		}
		return nil
	})
}

// TestAutoscale_FollowsTheLoadAndFailsNoRequest sends what three to four
// workers are needed for, then what one can do, without a pause between.
func TestAutoscale_FollowsTheLoadAndFailsNoRequest(t *testing.T) {
	t.Parallel()
	// A worker takes five at a time here; the others wait in drover's queue, which asks for help first.
	d := newInstance(t).run(strings.NewReplacer("targetInFlightPerWorker: 4", "targetInFlightPerWorker: 0",
		"workers: 1\n", "workers: 1\n    queue: { maxInFlightPerWorker: 5, timeout: 50s }\n").Replace(scaledSettings))
	d.waitRunning(1)

	begun := time.Now()
	heavy := startLoad(d, 50, slowFor(300)) // 15 at a time, and 4 each is asked for
	d.waitScaled("four workers are ready", func(p poolScaling) bool { return p.Wanted == 4 && p.Ready == 4 })
	t.Logf("four workers were ready after %s", time.Since(begun).Round(10*time.Millisecond))
	light := startLoad(d, 10, slowFor(100)) // one at a time
	heavy.end().noFailure(t, "slow GET")
	begun = time.Now()
	d.waitScaled("one worker is left", func(p poolScaling) bool { return p.Wanted == 1 && p.Ready == 1 })
	t.Logf("one worker was left after %s", time.Since(begun).Round(10*time.Millisecond))
	light.end().noFailure(t, "slow GET")
	d.waitRunning(1)

	output := d.output()
	for _, want := range []string{"goes from 1 to 2 workers: ", "goes from 3 to 4 workers", "goes from 2 to 1 workers: for some time fewer"} {
		if !strings.Contains(output, want) {
			t.Errorf("no event says %q", want)
		}
	}
	// Which of the two is looked at first, and is then the larger, depends on the moment.
	d.counted(`decisions_total{direction="up",pool="app",reason="queue-(wait|length)"}`, `decisions_total{direction="down",pool="app",reason="idle"}`,
		`desired_workers{pool="app"}`)
}

// counted fails the test for each pattern that no series of autoscaling above 0 has.
func (d *instance) counted(patterns ...string) {
	d.t.Helper()
	_, metrics, err := d.api("GET", "/metrics", "")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, want := range patterns {
		if !regexp.MustCompile("(?m)^drover_autoscale_" + want + " [1-9]").MatchString(metrics) {
			d.t.Errorf("no metric %s", want)
		}
	}
}

// TestAutoscale_RespectsTheOperatorUntilSettingsChange goes through who may say
// how many workers there are.
func TestAutoscale_RespectsTheOperatorUntilSettingsChange(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(scaledSettings)
	d.waitRunning(1)
	scale := func(n string) {
		t.Helper()
		if code, _, stderr := d.cli("scale", "app", n); code != 0 {
			t.Errorf("drover scale app %s ended with %d: %s", n, code, stderr)
		}
	}
	scale("2")
	load := startLoad(d, 50, slowFor(300))
	d.waitScaled("the load asks for all four, in vain", func(p poolScaling) bool {
		return p.Wanted == 2 && p.AutoScaling.Desired == 4 && p.AutoScaling.Manual && p.AutoScaling.Blocked == "manual"
	})
	scale("auto")
	d.waitScaled("four workers are ready", func(p poolScaling) bool { return p.Ready == 4 && !p.AutoScaling.Manual })
	scale("2")
	d.settings(strings.Replace(scaledSettings, "maxWorkers: 4", "maxWorkers: 3", 1))
	if code, _, stderr := d.cli("reload"); code != 0 {
		t.Errorf("drover reload ended with %d: %s", code, stderr)
	}
	d.waitScaled("three workers are ready, and no more may be", func(p poolScaling) bool {
		return p.Ready == 3 && !p.AutoScaling.Manual && p.AutoScaling.Blocked == "max-workers"
	})
	if _, stdout, _ := d.cli("status"); !strings.Contains(stdout, "auto 1-3") || !strings.Contains(stdout, "maxWorkers does not allow them") {
		t.Errorf("status says\n%s", stdout)
	}
	load.end().noFailure(t, "slow GET")
	d.counted(`decisions_total{direction="up",pool="app",reason="in-flight"}`)
}

// TestAutoscale_FollowsTheMemoryOfItsWorkers has each request take memory while
// it lasts, as one that renders a picture does.
func TestAutoscale_FollowsTheMemoryOfItsWorkers(t *testing.T) {
	t.Parallel()
	_, command := testWorker(t, "serve")
	d := newInstance(t).run(strings.NewReplacer(`["${DROVER}", sample-app]`, command, "targetInFlightPerWorker: 4", "targetInFlightPerWorker: 0",
		"    autoScaling:", "    resources: { maxMemoryPerWorker: 400MB }\n    autoScaling:",
		"scaleUpThreshold: { cpu: 0 }", "scaleUpThreshold: { cpu: 0, memory: 40, responseTime: 0, queueLength: 0, queueWait: 0 }",
		"scaleDownThreshold: { cpu: 0,", "scaleDownThreshold: { cpu: 0, memory: 30,").Replace(scaledSettings))
	d.waitRunning(1)
	load := startLoad(d, 20, requester{"GET that takes 10 MB for a second", func(c *client, _ int) error {
		got, err := c.once("GET", "/hold?mb=10&ms=1000", "")
		if err == nil && got.status != 200 {
			err = fmt.Errorf("status %d: %s", got.status, got.body)
		}
		return err
	}})
	d.waitScaled("there are more workers, since the first has too little memory left", func(p poolScaling) bool { return p.Wanted >= 2 && p.Ready >= 2 })
	load.end().noFailure(t, "GET that takes 10 MB for a second")
	d.waitScaled("one worker is left when they have little to hold", func(p poolScaling) bool { return p.Wanted == 1 && p.Ready == 1 })
	if output := d.output(); !strings.Contains(output, "goes from 1 to 2 workers: each uses ") || !strings.Contains(output, "of the memory that it may, the threshold is 40%") {
		t.Error("no event says that memory was the reason")
	}
	d.counted(`decisions_total{direction="up",pool="app",reason="memory"}`)
}
