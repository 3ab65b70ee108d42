package autoscale

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// site is a pool on a machine, as numbers. Requests are a fluid with the noise
// of independent arrivals; everything else follows from Little's law.
type site struct {
	cores       float64
	service     time.Duration // that a request waits for others, a database say
	cpu         time.Duration // that it computes
	boot        time.Duration // from start to ready, computing all the while
	maxInFlight float64       // per worker; 0: no limit
	load        func(t time.Duration) float64
	slow        func(t time.Duration) time.Duration // the service time at a moment, where it changes
}

// day is what became of a simulated pool.
type day struct {
	changes  []change
	ready    []int     // at each look
	backlog  []float64 // requests that are late, at each look
	blocked  map[Block]int
	patience int
}

type change struct {
	at       time.Duration
	from, to int
	reason   Reason
}

// simulate runs a policy on a site for some time, from one worker.
func simulate(p Policy, s site, length time.Duration) *day {
	noise := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := &day{blocked: map[Block]int{}}
	var state State
	wanted, ready, late := p.Min, p.Min, 0.0
	var boots []time.Duration // when each is ready
	for t := time.Duration(0); t < length; t += every {
		for len(boots) > 0 && boots[0] <= t {
			boots, ready = boots[1:], ready+1
		}
		in := s.at(t, noise, wanted, ready, len(boots), &late)
		var decided Decision
		decided, state = Decide(p, state, in, start.Add(t))
		d.ready, d.backlog = append(d.ready, ready), append(d.backlog, late)
		d.blocked[decided.Blocked]++
		if decided.Reason == "" {
			continue
		}
		d.changes = append(d.changes, change{t, wanted, decided.Workers, decided.Reason})
		for range decided.Workers - wanted {
			boots = append(boots, t+s.boot)
		}
		ready -= max(wanted-decided.Workers, 0)
		wanted = decided.Workers
	}
	d.patience = max(state.patience.factor, 1)
	return d
}

// at is one look: arrivals since the last one, and what the workers did of them.
func (s site) at(t time.Duration, noise *rand.Rand, wanted, ready, booting int, late *float64) Signals {
	dt, rate, service := every.Seconds(), s.load(t), s.service
	if s.slow != nil {
		service = s.slow(t)
	}
	*late += max(rate*dt+math.Sqrt(rate*dt)*noise.NormFloat64(), 0)
	slots := math.Inf(1)
	if s.maxInFlight > 0 {
		slots = s.maxInFlight * float64(ready)
	}
	free := max(s.cores-float64(booting), s.cores/10)
	able := min(slots/max((service+s.cpu).Seconds(), 1e-6), min(float64(ready), free)/max(s.cpu.Seconds(), 1e-6))
	served := min(*late, able*dt)
	*late -= served
	inside := served/dt*(service+s.cpu).Seconds() + *late
	in := Signals{Wanted: wanted, Ready: ready, Booting: booting, HostCores: s.cores}
	in.InFlight = min(slots, inside)
	in.QueueLength = inside - in.InFlight
	if in.QueueLength > 0 {
		in.QueueWait = time.Duration(in.QueueLength / max(served/dt, 1) * float64(time.Second))
	}
	if served > 0 {
		in.ResponseTime = time.Duration(in.InFlight / (served / dt) * float64(time.Second))
	}
	in.InFlight = max(in.InFlight+math.Sqrt(in.InFlight)*noise.NormFloat64(), 0) // one look finds more or fewer
	in.CPU = served / dt * s.cpu.Seconds()
	in.HostCPU = min((in.CPU+float64(booting))/s.cores, 1)
	return in
}

// turns counts how often the direction changed.
func (d *day) turns() int {
	n := 0
	for i := 1; i < len(d.changes); i++ {
		if (d.changes[i].to > d.changes[i].from) != (d.changes[i-1].to > d.changes[i-1].from) {
			n++
		}
	}
	return n
}

// most returns the largest number of ready workers.
func (d *day) most() int {
	n := 0
	for _, ready := range d.ready {
		n = max(n, ready)
	}
	return n
}

// reached returns when n workers were ready, from some time on.
func (d *day) reached(n int, from time.Duration) time.Duration {
	for i := int(from / every); i < len(d.ready); i++ {
		if d.ready[i] >= n {
			return time.Duration(i)*every - from
		}
	}
	return math.MaxInt64
}

func (d *day) last() int { return d.ready[len(d.ready)-1] }

// overloaded is the share of the time in which more than limit requests were late.
func (d *day) overloaded(limit float64) float64 {
	n := 0
	for _, late := range d.backlog {
		if late > limit {
			n++
		}
	}
	return float64(n) / float64(len(d.backlog))
}

func (d *day) String() string {
	text := fmt.Sprintf("%d changes, %d turns, patience %d, blocked %v", len(d.changes), d.turns(), d.patience, d.blocked)
	for _, c := range d.changes[:min(len(d.changes), 40)] {
		text += fmt.Sprintf("\n  %8s %d -> %d %s", c.at, c.from, c.to, c.reason)
	}
	return text
}

func (d *day) check(t *testing.T, ok bool, what string) {
	t.Helper()
	if !ok {
		t.Errorf("%s; %s", what, d)
	}
}

// steps is a load that changes at moments.
func steps(at ...float64) func(time.Duration) float64 {
	return func(t time.Duration) float64 {
		rate := at[0]
		for i := 1; i+1 < len(at); i += 2 {
			if t.Minutes() >= at[i] {
				rate = at[i+1]
			}
		}
		return rate
	}
}

// wave swings between two loads.
func wave(low, high float64, period time.Duration) func(time.Duration) float64 {
	return func(t time.Duration) float64 {
		return low + (high-low)*(1-math.Cos(2*math.Pi*float64(t)/float64(period)))/2
	}
}

// web is a site whose requests compute 5 ms and wait for 45: 150 requests a
// second bring a worker to the threshold of 75% of a core.
func web(load func(time.Duration) float64) site {
	return site{cores: 16, service: 45 * time.Millisecond, cpu: 5 * time.Millisecond, boot: 2 * time.Second, load: load}
}

func TestDecide_StepIsFollowedWithoutOvershoot(t *testing.T) {
	d := simulate(defaults(), web(steps(20, 2, 580)), 20*time.Minute)
	took := d.reached(4, 2*time.Minute)
	d.check(t, took <= 20*time.Second, fmt.Sprintf("four workers were ready after %s", took))
	d.check(t, d.most() <= 6, "more than what came late needs") // it computes beside what comes
	d.check(t, d.turns() <= 1, "it swings")
}

func TestDecide_StepOfWaitingRequestsIsFollowed(t *testing.T) {
	p := defaults()
	p.InFlight = 10
	s := web(steps(10, 2, 190))
	s.service, s.cpu = 200*time.Millisecond, 0
	d := simulate(p, s, 20*time.Minute)
	took := d.reached(4, 2*time.Minute)
	d.check(t, took <= 20*time.Second, fmt.Sprintf("four workers were ready after %s", took))
	d.check(t, d.most() <= 5, "more than one too many")
	d.check(t, d.turns() <= 1, "it swings")
}

func TestDecide_FullWorkersGetHelpAtOnce(t *testing.T) {
	p := defaults()
	p.InFlight = 3.2 // four fifths of 4
	s := web(steps(10, 2, 100))
	s.service, s.cpu, s.boot, s.maxInFlight = 100*time.Millisecond, time.Millisecond, 500*time.Millisecond, 4
	d := simulate(p, s, 20*time.Minute)
	took := d.reached(3, 2*time.Minute)
	d.check(t, took <= 3*time.Second, fmt.Sprintf("three workers, which are enough, were ready after %s", took))
	d.check(t, d.changes[0].reason == QueueWait, "the queue was not the reason")
	d.check(t, d.most() <= 5, "more than one too many")
	d.check(t, d.turns() <= 1, "it swings")
}

func TestDecide_SpikeIsOneHill(t *testing.T) {
	d := simulate(defaults(), web(steps(20, 2, 580, 2.5, 20)), 20*time.Minute)
	d.check(t, d.turns() == 1, "not one way up and one down")
	d.check(t, d.last() == 1, "it does not come back")
}

func TestDecide_DayIsFollowed(t *testing.T) {
	d := simulate(defaults(), web(wave(50, 900, 24*time.Hour)), 48*time.Hour)
	d.check(t, d.turns() <= 6, "it swings") // two days: up and down twice, and little more
	d.check(t, d.most() >= 6 && d.most() <= 7, "not what the peak needs")
	d.check(t, d.overloaded(100) == 0, "requests were late")
}

func TestDecide_FastWavesMakeItPatient(t *testing.T) {
	d := simulate(defaults(), web(wave(100, 700, 4*time.Minute)), 4*time.Hour)
	d.check(t, d.turns() <= 16, "it swings") // there are 60 waves
	d.check(t, d.overloaded(100) < 0.01, "requests were late")
	calm := simulate(defaults(), web(func(t time.Duration) float64 {
		if t < time.Hour {
			return wave(100, 700, 4*time.Minute)(t)
		}
		return 20
	}), 6*time.Hour)
	calm.check(t, calm.turns() > 2 && calm.last() == 1 && calm.patience == 1, "it does not forget")
}

func TestDecide_SlowBootIsWaitedFor(t *testing.T) {
	s := web(steps(20, 2, 400))
	s.boot = time.Minute
	d := simulate(defaults(), s, 30*time.Minute)
	d.check(t, d.most() <= 5, "workers that boot were not counted")
	d.check(t, d.turns() <= 1, "it swings")

	p := defaults() // the same with a queue, which tells nothing of how many are needed
	p.InFlight = 3.2
	s.service, s.cpu, s.maxInFlight = 50*time.Millisecond, 0, 4
	s.load = steps(10, 2, 90)
	d = simulate(p, s, 30*time.Minute)
	d.check(t, d.most() <= 4, "workers that boot were not counted")
	d.check(t, d.turns() <= 2, "it swings")
}

func TestDecide_SlowDatabaseGetsNoMoreWorkers(t *testing.T) {
	s := web(steps(100))
	s.slow = func(at time.Duration) time.Duration {
		if m := at.Minutes(); m >= 5 && m < 15 {
			return 4 * time.Second
		}
		return 45 * time.Millisecond
	}
	d := simulate(defaults(), s, 30*time.Minute)
	d.check(t, len(d.changes) == 0, "it scales")
}

func TestDecide_TwoCoresGetNoMoreThanTheyCanRun(t *testing.T) {
	s := site{cores: 2, cpu: 20 * time.Millisecond, boot: time.Second, load: steps(10, 1, 400)}
	d := simulate(defaults(), s, 30*time.Minute)
	d.check(t, d.most() <= 3, "more than the machine can run")
	d.check(t, d.most() >= 2, "less than the machine can run")
	d.check(t, d.turns() == 0, "it swings")
	d.check(t, d.blocked[HostCPU] > 0, "it does not say why")
}
