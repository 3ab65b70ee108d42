package autoscale

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// crew is a pool whose workers are ready at once.
type crew struct {
	mu     sync.Mutex
	in     Signals
	manual bool
	told   []string
	counts []string

	announced []string // what may be counted later
}

func (c *crew) Adjust(n int, reason, message string, numbers map[string]any) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.manual {
		return false
	}
	c.told = append(c.told, fmt.Sprintf("%d to %d: %s: %s", c.in.Wanted, n, reason, message))
	if numbers["desired"] == nil || numbers["queueWaitSeconds"] == nil {
		c.told = append(c.told, fmt.Sprintf("numbers missing: %v", numbers))
	}
	c.in.Wanted, c.in.Ready = n, n
	return true
}

func (c *crew) AutoscaleDecisions(pool, direction, reason string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n == 0 {
		c.announced = append(c.announced, pool+" "+direction+" "+reason)
		return
	}
	c.counts = append(c.counts, pool+" "+direction+" "+reason)
}

func (c *crew) signals() Signals {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.in
}

func (c *crew) set(change func(*Signals)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.in)
}

// run runs an Autoscaler over the crew until the test ends.
func (c *crew) run(t *testing.T, p Policy) *Autoscaler {
	a := New(Options{Pool: "app", Scaler: c, Signals: c.signals, Observer: c}, p)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })
	return a
}

func TestAutoscaler_CarriesOutTellsAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crew{in: Signals{Wanted: 1, Ready: 1, HostCores: 16}}
		a := c.run(t, defaults())
		time.Sleep(5100 * time.Millisecond) // between two looks
		if len(c.told) > 0 || a.Last().Desired != 1 {
			t.Errorf("without load: %v, %+v", c.told, a.Last())
		}
		if len(c.announced) != 7 || !slices.Contains(c.announced, "app up queue-wait") || !slices.Contains(c.announced, "app down idle") {
			t.Errorf("announced: %v", c.announced)
		}
		c.set(func(s *Signals) { s.QueueWait = 80 * time.Millisecond })
		time.Sleep(200 * time.Millisecond)
		c.set(func(s *Signals) { s.QueueWait, s.CPU = 0, 1.9 })
		time.Sleep(10 * time.Second)
		c.set(func(s *Signals) { s.CPU = 0 })
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		want := []string{
			"1 to 2: queue-wait: a request has waited 80ms for a worker, the threshold is 50ms",
			"2 to 3: cpu: each uses 87% of a core, the threshold is 75%",
			"3 to 2: idle: for some time fewer would have been enough; now each has 0.0 requests in flight and uses 0% of a core",
			"2 to 1: idle: for some time fewer would have been enough; now each has 0.0 requests in flight and uses 0% of a core",
		}
		if !slices.Equal(c.told, want) {
			t.Errorf("told\n%s\nwant\n%s", strings.Join(c.told, "\n"), strings.Join(want, "\n"))
		}
		if want := []string{"app up queue-wait", "app up cpu", "app down idle", "app down idle"}; !slices.Equal(c.counts, want) {
			t.Errorf("counted %v, want %v", c.counts, want)
		}
	})
}

func TestAutoscaler_FollowsItsPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crew{in: Signals{Wanted: 1, Ready: 1, HostCores: 16, CPU: 4}}
		off := defaults()
		off.Enabled = false
		a := c.run(t, off)
		time.Sleep(time.Minute)
		if len(c.told) > 0 || a.Last() != (Decision{}) {
			t.Errorf("switched off: %v, %+v", c.told, a.Last())
		}
		on := defaults()
		on.Max = 3
		a.Reconfigure(on)
		time.Sleep(time.Minute)
		if d := a.Last(); c.signals().Wanted != 3 || d.Blocked != AtMax || d.Desired != 3 {
			t.Errorf("three at most: %v, %+v", c.told, d)
		}
		a.Reconfigure(off)
		synctest.Wait()
		if a.Last() != (Decision{}) {
			t.Errorf("switched off again: %+v", a.Last())
		}
	})
}

func TestAutoscaler_WhatIsRefusedDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crew{in: Signals{Wanted: 1, Ready: 1, HostCores: 16, CPU: 4}, manual: true}
		c.run(t, defaults())
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(c.told)+len(c.counts) > 0 {
			t.Errorf("told %v, counted %v", c.told, c.counts)
		}
	})
}

func TestDecision_ExplainsEveryReason(t *testing.T) {
	p := defaults()
	p.InFlight = 4
	f := func(why Reason, want string) {
		t.Helper()
		d := Decision{Reason: why, Seen: Signals{Ready: 2, InFlight: 10, Memory: 0.91, QueueLength: 12.3, ResponseTime: 2345 * time.Millisecond}}
		if got := d.explain(p); got != want {
			t.Errorf("%s: %q, want %q", why, got, want)
		}
	}
	f(InFlight, "each has 5.0 requests in flight, the target is 4")
	f(Memory, "each uses 91% of the memory that it may, the threshold is 80%")
	f(QueueLength, "12 requests wait for a worker, the threshold is 10")
	f(ResponseTime, "answers take 2.35s, the threshold is 1.5s, and that is not the only sign of load")
}
