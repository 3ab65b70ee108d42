package autoscale

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

// defaults is the policy of a pool that only says that it is to be scaled.
func defaults() Policy {
	p := config.DefaultPool()
	p.AutoScaling.Enabled = true
	return NewPolicy(p)
}

// looks asks Decide about the same signals for some time and returns the last
// decision, or the first that changes something.
func looks(p Policy, s State, in Signals, from time.Time, length time.Duration) (Decision, State, time.Time) {
	var d Decision
	for now := from; ; now = now.Add(every) {
		if d, s = Decide(p, s, in, now); d.Reason != "" || now.Sub(from) >= length {
			return d, s, now
		}
	}
}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestNewPolicy_ReadsEverySetting(t *testing.T) {
	got := reflect.ValueOf(defaults())
	for i := range got.NumField() {
		if name := got.Type().Field(i).Name; got.Field(i).IsZero() != (name == "InFlight") { // that has no default
			t.Errorf("%s is %v", name, got.Field(i))
		}
	}
	p := config.DefaultPool()
	p.Queue.MaxInFlightPerWorker = 10
	if got := NewPolicy(p).InFlight; got != 8 {
		t.Errorf("with 10 requests at most the target is %v, want four fifths", got)
	}
	p.AutoScaling.TargetInFlightPerWorker = 3
	if got := NewPolicy(p).InFlight; got != 3 {
		t.Errorf("target %v, want the one that is written down", got)
	}
}

func TestDecide_TakesTheLargestOfWhatIsAskedFor(t *testing.T) {
	f := func(change func(*Signals), desired int, why Reason) {
		t.Helper()
		p := defaults()
		p.InFlight, p.Step = 10, 8
		in := Signals{Wanted: 2, Ready: 2, HostCores: 16}
		change(&in)
		d, _ := Decide(p, State{}, in, noon)
		if d.Desired != desired || d.Reason != why || why != "" && d.Workers != desired {
			t.Errorf("%+v: desired %d, workers %d for %q; want %d for %q", in, d.Desired, d.Workers, d.Reason, desired, why)
		}
	}
	f(func(*Signals) {}, 1, "")
	f(func(s *Signals) { s.InFlight = 20 }, 2, "")
	f(func(s *Signals) { s.InFlight = 22 }, 2, "") // within the tolerance
	f(func(s *Signals) { s.InFlight = 22.5 }, 3, InFlight)
	f(func(s *Signals) { s.InFlight = 45 }, 5, InFlight)
	f(func(s *Signals) { s.InFlight = 1e9 }, 8, InFlight)
	f(func(s *Signals) { s.CPU = 1.6 }, 2, "")
	f(func(s *Signals) { s.CPU = 2 }, 3, CPU)
	f(func(s *Signals) { s.CPU, s.InFlight = 2, 45 }, 5, InFlight)
	f(func(s *Signals) { s.CPU, s.InFlight = 4, 25 }, 6, CPU)
	f(func(s *Signals) { s.Memory = 0.88 }, 2, "")
	f(func(s *Signals) { s.Memory = 0.9 }, 3, Memory)
	f(func(s *Signals) { s.QueueLength = 11 }, 2, "")
	f(func(s *Signals) { s.QueueLength = 20 }, 4, QueueLength)
	f(func(s *Signals) { s.QueueLength, s.Booting, s.Wanted = 40, 1, 3 }, 3, "")
	f(func(s *Signals) { s.QueueWait = 40 * time.Millisecond }, 2, "")
	f(func(s *Signals) { s.QueueWait = 51 * time.Millisecond }, 3, QueueWait) // a little more is one more
	f(func(s *Signals) { s.QueueWait = 100 * time.Millisecond }, 4, QueueWait)
	f(func(s *Signals) { s.QueueWait, s.Booting, s.Wanted = 5*time.Second, 1, 3 }, 3, "")
	f(func(s *Signals) { s.ResponseTime = time.Hour }, 2, "") // alone: a slow database
	f(func(s *Signals) { s.ResponseTime, s.CPU = 3*time.Second, 2 }, 4, ResponseTime)
	f(func(s *Signals) { s.ResponseTime, s.CPU = time.Millisecond, 2 }, 3, CPU)
	f(func(s *Signals) { s.InFlight, s.Booting, s.Wanted = 45, 3, 5 }, 5, "") // those that boot count
	f(func(s *Signals) { s.Ready, s.InFlight = 0, 0 }, 2, "")                 // nobody to measure
}

func TestDecide_GuardsForbidMore(t *testing.T) {
	f := func(change func(*Signals), want Block) {
		t.Helper()
		in := Signals{Wanted: 2, Ready: 2, CPU: 4, QueueWait: time.Second, HostCores: 16, HostMemory: 1000, HostFree: 500, WorkerMemory: 100}
		change(&in)
		d, _ := Decide(defaults(), State{}, in, noon)
		if d.Blocked != want || (d.Workers > in.Wanted) != (want == "") {
			t.Errorf("%+v: blocked %q, workers %d; want %q", in, d.Blocked, d.Workers, want)
		}
	}
	f(func(*Signals) {}, "")
	f(func(s *Signals) { s.Manual = true }, Manual)
	f(func(s *Signals) { s.Rolling = true }, Rolling)
	f(func(s *Signals) { s.Wanted, s.Ready = 8, 8 }, AtMax)
	f(func(s *Signals) { s.HostCPU = 0.89 }, "")
	f(func(s *Signals) { s.HostCPU = 0.9 }, HostCPU)
	f(func(s *Signals) { s.HostCPU, s.CPU = 1, 1.5 }, "") // others have it, these hardly use any
	f(func(s *Signals) { s.HostFree = 150 }, "")
	f(func(s *Signals) { s.HostFree = 149 }, HostMemory)
	f(func(s *Signals) { s.HostFree, s.Booting, s.Wanted, s.QueueWait = 249, 1, 3, 0 }, HostMemory) // the one that boots has not taken its own yet
	f(func(s *Signals) { s.HostMemory, s.HostFree = 0, 0 }, "")                                     // not known
	f(func(s *Signals) { s.GroupMemory, s.GroupFree = 400, 120 }, "")
	f(func(s *Signals) { s.GroupMemory, s.GroupFree = 400, 119 }, HostMemory) // of the container, with half of the machine free
	f(func(s *Signals) { s.GroupMemory, s.GroupFree, s.HostFree = 400, 400, 149 }, HostMemory)
	f(func(s *Signals) { s.HostMemory, s.HostFree, s.GroupMemory, s.GroupFree = 0, 0, 400, 100 }, HostMemory)
}

func TestDecide_StepAndCooldownHoldBackWhatDoesNotWait(t *testing.T) {
	f := func(passed time.Duration, change func(*Policy, *Signals), want int) {
		t.Helper()
		p := defaults()
		in := Signals{Wanted: 2, Ready: 2, CPU: 6, HostCores: 64}
		d, s := Decide(p, State{}, in, noon)
		if d.Workers != 3 {
			t.Fatalf("the first step goes to %d", d.Workers)
		}
		in.Wanted, in.Booting = 3, 1
		change(&p, &in)
		if d, _ := Decide(p, s, in, noon.Add(passed)); d.Workers != want {
			t.Errorf("after %s: %d workers, want %d", passed, d.Workers, want)
		}
	}
	f(4900*time.Millisecond, func(*Policy, *Signals) {}, 3)
	f(5*time.Second, func(*Policy, *Signals) {}, 4)
	f(5*time.Second, func(p *Policy, _ *Signals) { p.Step = 3 }, 6)
	f(5*time.Second, func(p *Policy, _ *Signals) { p.Step = 30 }, 8)
	f(time.Second, func(_ *Policy, s *Signals) { s.QueueWait, s.Booting, s.Ready = time.Second, 0, 3 }, 4)
	f(time.Second, func(_ *Policy, s *Signals) { s.QueueWait = time.Second }, 3)
	f(time.Second, func(p *Policy, s *Signals) { s.QueueWait, s.Booting, s.Ready, p.QueueWait = time.Second, 0, 3, 0 }, 3)
}

func TestDecide_FewerOnlyWhenAllHaveAgreedForTheWholeTime(t *testing.T) {
	f := func(change func(*Policy, *Signals), want time.Duration) {
		t.Helper()
		p := defaults()
		in := Signals{Wanted: 4, Ready: 4, HostCores: 16}
		change(&p, &in)
		d, _, at := looks(p, State{}, in, noon, 10*time.Minute)
		got := at.Sub(noon)
		if d.Workers >= in.Wanted {
			got = 0
		}
		if got != want || want > 0 && (d.Workers != in.Wanted-1 || d.Reason != Idle) {
			t.Errorf("%+v: after %s to %d for %q, want after %s by one", in, got, d.Workers, d.Reason, want)
		}
	}
	f(func(*Policy, *Signals) {}, time.Minute)
	f(func(p *Policy, _ *Signals) { p.Calm = 10 * time.Second }, 10*time.Second)
	f(func(_ *Policy, s *Signals) { s.CPU = 4 * .29 }, time.Minute)
	f(func(_ *Policy, s *Signals) { s.CPU = 4 * .31 }, 0)
	f(func(p *Policy, s *Signals) { s.CPU, p.CalmCPU = 4*.31, 0 }, time.Minute)
	f(func(_ *Policy, s *Signals) { s.Memory = .39 }, time.Minute)
	f(func(_ *Policy, s *Signals) { s.Memory = .4 }, 0)
	f(func(p *Policy, s *Signals) { s.Memory, p.CalmMemory = .4, 0 }, time.Minute)
	f(func(p *Policy, s *Signals) { s.InFlight, p.InFlight = 30, 10 }, time.Minute)
	f(func(p *Policy, s *Signals) { s.InFlight, p.InFlight = 31, 10 }, 0) // three would not do
	f(func(_ *Policy, s *Signals) { s.ResponseTime = time.Second }, time.Minute)
	f(func(_ *Policy, s *Signals) { s.ResponseTime = 3 * time.Second }, 0)
	f(func(_ *Policy, s *Signals) { s.QueueLength = 9 }, 0)
	f(func(_ *Policy, s *Signals) { s.Manual = true }, 0)
	f(func(_ *Policy, s *Signals) { s.Rolling = true }, 0)
	f(func(_ *Policy, s *Signals) { s.Booting, s.Ready = 1, 3 }, 0)
	f(func(_ *Policy, s *Signals) { s.Ready = 0 }, 0)
	f(func(p *Policy, s *Signals) { p.Min = 4 }, 0)
}

func TestDecide_OneBusyMomentKeepsTheWorkers(t *testing.T) {
	p := defaults()
	calm, busy := Signals{Wanted: 4, Ready: 4, HostCores: 16}, Signals{Wanted: 4, Ready: 4, HostCores: 16, QueueLength: 40, Manual: true}
	_, s, now := looks(p, State{}, calm, noon, 55*time.Second)
	_, s = Decide(p, s, busy, now.Add(every))
	_, s = Decide(p, s, busy, now.Add(2*every))
	if d, _, at := looks(p, s, calm, now.Add(3*every), 50*time.Second); d.Reason != "" {
		t.Errorf("%s after a busy moment it goes to %d", at.Sub(now), d.Workers)
	}
}

func TestDecide_ForgetsWhatItDidNotSee(t *testing.T) {
	p := defaults()
	calm := Signals{Wanted: 4, Ready: 4, HostCores: 16}
	_, s, now := looks(p, State{}, calm, noon, 59*time.Second)
	if d, _, at := looks(p, s, calm, now.Add(time.Minute), 59*time.Second); d.Reason != "" {
		t.Errorf("%s after a pause it goes to %d", at.Sub(now), d.Workers)
	}
}

func TestDecide_DownOneByOneWithTheCooldown(t *testing.T) {
	f := func(step int, want ...string) {
		t.Helper()
		p := defaults()
		p.Step = step
		in, s, now := Signals{Wanted: 6, Ready: 6, HostCores: 16}, State{}, noon
		var got []string
		for range want {
			var d Decision
			d, s, now = looks(p, s, in, now, 10*time.Minute)
			got = append(got, fmt.Sprintf("%s %d", now.Sub(noon), d.Workers))
			in.Wanted, in.Ready = d.Workers, d.Workers
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("by %d: %v, want %v", step, got, want)
		}
	}
	f(1, "1m0s 5", "2m0s 4", "3m0s 3", "4m0s 2", "5m0s 1")
	f(3, "1m0s 3", "2m0s 1")
	f(9, "1m0s 1")
}

func TestDecide_ChangesNothing(t *testing.T) {
	p, in := defaults(), Signals{Wanted: 4, Ready: 4, HostCores: 16, CPU: 1}
	_, s, now := looks(p, State{}, in, noon, 30*time.Second)
	before := fmt.Sprintf("%+v", s)
	first, a := Decide(p, s, in, now.Add(every))
	busy := in
	busy.CPU, busy.QueueWait = 4, time.Second
	Decide(p, s, busy, now.Add(every))
	second, b := Decide(p, s, in, now.Add(every))
	if first != second || !reflect.DeepEqual(a, b) || fmt.Sprintf("%+v", s) != before {
		t.Error("a decision depends on more than what it is given, or changes it")
	}
}

func TestPatience_DoublesWithEachRegretAndRelaxes(t *testing.T) {
	calm, p := time.Minute, patience{}
	at := func(m float64) time.Time { return noon.Add(time.Duration(m * float64(time.Minute))) }
	f := func(what string, next patience, want time.Duration) {
		t.Helper()
		if p = next; p.span(calm) != want*calm {
			t.Errorf("%s: it waits %s, want %s", what, p.span(calm), want*calm)
		}
	}
	f("new", p, 1)
	f("an addition", p.up(at(0), calm), 1)
	f("taken away", p.down(at(1)), 1)
	f("back soon", p.up(at(3), calm), 2)
	f("and another", p.up(at(3.1), calm), 2)
	f("taken away", p.down(at(10)), 2)
	f("back late", p.up(at(14.1), calm), 2)
	f("taken away", p.down(at(15)), 2)
	f("back soon", p.up(at(19), calm), 4)
	f("long after", p.relax(at(98), calm), 4)
	f("longer", p.relax(at(100), calm), 2)
	f("a little more", p.relax(at(101), calm), 2)
	f("again long after", p.relax(at(141), calm), 1)
	for i := range 10 {
		p = p.down(at(float64(200+i))).up(at(float64(200+i)), calm)
	}
	f("again and again", p, mostPatience)
}

func TestWindow_LargestOfTheSpan(t *testing.T) {
	var w window
	f := func(second, workers, want int) {
		t.Helper()
		w = w.add(noon.Add(time.Duration(second)*time.Second), workers, 10*time.Second)
		if got := w.largest(); got != want {
			t.Errorf("at %d s: %d, want %d (%v)", second, got, want, w)
		}
	}
	f(0, 3, 3)
	f(1, 5, 5)
	f(2, 4, 5)
	f(5, 1, 5)
	f(11, 2, 5)
	f(12, 2, 4)
	f(13, 2, 2)
	f(30, 1, 1)
}
