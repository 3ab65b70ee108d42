package pool

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// settings are the defaults that matter to a pool, with static upstreams by name.
func settings(names ...string) *config.Pool {
	cfg := &config.Pool{
		CircuitBreaker: config.CircuitBreaker{
			Enabled: true, FailureRatio: 50, MinRequests: 20, Interval: config.Duration(10 * time.Second),
			OpenFor: config.Duration(5 * time.Second), HalfOpenRequests: 3,
		},
		Outlier: config.Outlier{
			Enabled: true, ConsecutiveErrors: 5, EjectFor: config.Duration(10 * time.Second),
			MaxEjectFor: config.Duration(300 * time.Second), MaxEjected: 50,
		},
		Queue: config.Queue{Length: 1024, Timeout: config.Duration(10 * time.Second)},
	}
	for i, n := range names {
		cfg.Upstreams = append(cfg.Upstreams, config.Upstream{Name: n, Address: fmt.Sprintf("10.0.0.%d:80", i+1), Weight: 1})
	}
	return cfg
}

func worker(slot, generation int, s State) Spec {
	return Spec{
		ID: fmt.Sprintf("p-%d.%d", slot, generation), Label: fmt.Sprintf("p-%d", slot),
		Network: "tcp", Address: "127.0.0.1:20000", Weight: 1,
		Spawned: true, Slot: slot, Generation: generation, State: s,
	}
}

func add(t testing.TB, p *Pool, s Spec) *Upstream {
	t.Helper()
	u, err := p.Add(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func acquire(t testing.TB, u *Upstream) Lease {
	t.Helper()
	l, err := u.Acquire()
	if err != nil {
		t.Fatalf("acquire %s: %v", u.ID, err)
	}
	return l
}

// exchange acquires and releases n times.
func exchange(t testing.TB, u *Upstream, n int, o Outcome) {
	t.Helper()
	for range n {
		l := acquire(t, u)
		l.Release(o)
	}
}

func ids(ups []*Upstream) string {
	names := make([]string, len(ups))
	for i, u := range ups {
		names[i] = u.ID
	}
	return strings.Join(names, " ")
}

func wantEligible(t testing.TB, p *Pool, want string) {
	t.Helper()
	if got := ids(p.Snapshot().Upstreams); got != want {
		t.Errorf("eligible: %q, want %q", got, want)
	}
}

// kinds returns the kinds of the bus's events and empties it.
func kinds(b *event.Bus, from int) []event.Kind {
	var out []event.Kind
	for _, e := range b.Recent()[from:] {
		out = append(out, e.Kind)
	}
	return out
}

func token(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestPool_OrderIsSlotGenerationName(t *testing.T) {
	p := New("p", settings("zebra", "ant"), nil)
	for _, s := range []Spec{worker(10, 1, Healthy), worker(2, 9, Healthy), worker(2, 10, Healthy), worker(1, 1, Starting)} {
		add(t, p, s)
	}
	if got, want := ids(p.All()), "ant zebra p-1.1 p-2.9 p-2.10 p-10.1"; got != want {
		t.Errorf("All: %q, want %q", got, want)
	}
	wantEligible(t, p, "ant zebra p-2.9 p-2.10 p-10.1")
}

func TestPool_GetByIDAndByLabel(t *testing.T) {
	p := New("p", settings("a"), nil)
	add(t, p, worker(2, 9, Healthy))
	add(t, p, worker(2, 10, Healthy))
	f := func(id, want string) {
		t.Helper()
		got := ""
		if u := p.Get(id); u != nil {
			got = u.ID
		}
		if got != want {
			t.Errorf("Get(%s) = %q, want %q", id, got, want)
		}
	}
	f("a", "a")
	f("p-2", "p-2.10")
	f("p-2.9", "p-2.9")
	f("p-3", "")
}

func TestPool_IDsAreUnique(t *testing.T) {
	p := New("p", settings("a"), nil)
	add(t, p, worker(1, 1, Healthy))
	for _, id := range []string{"p-1.1", "a"} {
		if _, err := p.Add(Spec{ID: id}); err == nil || !strings.Contains(err.Error(), id) {
			t.Errorf("a second %s: %v", id, err)
		}
	}
}

func TestPool_EveryChangePublishes(t *testing.T) {
	p := New("p", settings("a", "b"), nil)
	add(t, p, worker(1, 1, Starting))
	changed, cancel := p.Subscribe()
	f := func(what string, change func() bool, want string) {
		t.Helper()
		before := p.Snapshot()
		if !change() {
			t.Errorf("%s: false", what)
		}
		if v := p.Snapshot().Version; v != before.Version+1 {
			t.Errorf("%s: version %d after %d", what, v, before.Version)
		}
		if !token(changed) {
			t.Errorf("%s: subscribers were not told", what)
		}
		wantEligible(t, p, want)
		// Nothing changes the second time, so nothing is published.
		if change(); p.Snapshot().Version != before.Version+1 {
			t.Errorf("%s again: published", what)
		}
		token(changed)
	}
	f("healthy", func() bool { return p.SetHealth("p-1.1", true, nil) }, "a b p-1.1")
	f("unhealthy", func() bool { return p.SetHealth("p-1.1", false, errors.New("x")) }, "a b")
	f("healthy again", func() bool { return p.SetHealth("p-1.1", true, nil) }, "a b p-1.1")
	f("drained", func() bool { return p.SetDrained("a", true) }, "b p-1.1")
	f("resumed", func() bool { return p.SetDrained("a", false) }, "a b p-1.1")
	f("maintenance", func() bool { return p.SetMaintenance("b", true) }, "a p-1.1")
	f("maintained", func() bool { return p.SetMaintenance("b", false) }, "a b p-1.1")
	f("weight 0", func() bool { return p.SetWeight("a", 0) }, "b p-1.1")
	f("weight", func() bool { return p.SetWeight("a", 256) }, "a b p-1.1")
	f("draining", func() bool { return p.StartDrain("p-1.1") }, "a b")
	f("removed", func() bool { p.Remove("p-1.1"); return true }, "a b")
	f("added", func() bool { _, err := p.Add(worker(1, 2, Healthy)); return err == nil || p.Get("p-1.2") != nil }, "a b p-1.2")
	cancel()
	p.SetDrained("a", true)
	if token(changed) {
		t.Error("told after cancel")
	}
}

func TestPool_VerbsKnowOnlyMembers(t *testing.T) {
	p := New("p", settings("a"), nil)
	v := p.Snapshot().Version
	if p.SetHealth("x", true, nil) || p.StartDrain("x") || p.SetDrained("x", true) || p.SetMaintenance("x", true) || p.SetWeight("x", 1) {
		t.Error("an unknown id was found")
	}
	p.Remove("x")
	if p.Snapshot().Version != v {
		t.Error("published for an unknown id")
	}
}

func TestPool_StatesFollowTheTable(t *testing.T) {
	f := func(from State, change func(p *Pool, id string), want State) {
		t.Helper()
		p := New("p", settings(), nil)
		u := add(t, p, worker(1, 1, from))
		if change(p, u.ID); u.State() != want {
			t.Errorf("%s became %s, want %s", from, u.State(), want)
		}
	}
	well := func(p *Pool, id string) { p.SetHealth(id, true, nil) }
	ill := func(p *Pool, id string) { p.SetHealth(id, false, errors.New("x")) }
	drain := func(p *Pool, id string) { p.StartDrain(id) }
	remove := func(p *Pool, id string) { p.Remove(id) }
	f(Starting, well, Healthy)
	f(Starting, ill, Starting)
	f(Healthy, well, Healthy)
	f(Healthy, ill, Unhealthy)
	f(Unhealthy, well, Healthy)
	f(Unhealthy, ill, Unhealthy)
	f(Draining, well, Draining)
	f(Draining, ill, Draining)
	for _, s := range []State{Starting, Healthy, Unhealthy, Draining} {
		f(s, drain, Draining)
		f(s, remove, Removed)
	}
}

func TestPool_EventsOnChange(t *testing.T) {
	bus := event.NewBus(100)
	p := New("p", settings("a"), bus)
	p.SetHealth("a", false, errors.New("connection refused"))
	p.SetHealth("a", false, errors.New("connection refused"))
	p.SetHealth("a", true, nil)
	p.SetDrained("a", true)
	p.SetMaintenance("a", true)
	p.SetDrained("a", false)
	want := []event.Kind{event.UpstreamUnhealthy, event.UpstreamHealthy, event.UpstreamDrained, event.UpstreamDrained, event.UpstreamResumed}
	if got := kinds(bus, 0); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("events %v, want %v", got, want)
	}
	e := bus.Recent()[0]
	if e.Subject != "a" || e.Attrs["pool"] != "p" || !strings.Contains(e.Message, "connection refused") {
		t.Errorf("event %+v", e)
	}
}

func TestPool_WorkerWithoutWeightHasOne(t *testing.T) {
	p := New("p", settings(), nil)
	s := worker(1, 1, Healthy)
	s.Weight = 0
	if u := add(t, p, s); u.Weight() != 1 {
		t.Errorf("weight %d", u.Weight())
	}
}

func TestEligible_Rules(t *testing.T) {
	// Each letter pair is an upstream: s static or w worker; then h healthy, u unhealthy, e ejected,
	// n starting, d drained, z weight 0, a without an address. A capital in want marks panic.
	f := func(have, want string, wantPanic bool) {
		t.Helper()
		p := New("p", settings(), nil)
		for i, kind := range strings.Fields(have) {
			s := Spec{ID: fmt.Sprintf("%s%d", kind, i), Network: "tcp", Address: "127.0.0.1:1", Weight: 1, State: Healthy, Spawned: kind[0] == 'w', Slot: i}
			switch kind[1] {
			case 'n':
				s.State = Starting
			case 'a':
				s.Network, s.Address = "", ""
			}
			u := add(t, p, s)
			switch kind[1] {
			case 'u':
				p.SetHealth(u.ID, false, nil)
			case 'e':
				u.gate.raise(gateEjected)
			case 'd':
				p.SetDrained(u.ID, true)
			case 'z':
				p.SetWeight(u.ID, 0)
			}
		}
		got, panicking := eligible(p.ordered)
		if ids(got) != want || panicking != wantPanic {
			t.Errorf("%s: eligible %q, panic %v; want %q, %v", have, ids(got), panicking, want, wantPanic)
		}
	}
	f("", "", false)
	f("sh sh", "sh0 sh1", false)
	f("sh su", "sh0", false) // half are out, not more
	f("sh se", "sh0", false)
	f("sh su se", "sh0 su1 se2", true)
	f("sh sh su se", "sh0 sh1", false)
	f("su", "su0", true) // nothing else would be left
	f("su su", "su0 su1", true)
	f("wh wu wu wu", "wh0", false) // workers that failed their probes get nothing
	f("wu", "", false)
	f("wn", "", false)
	f("wu su", "su1", true)
	f("wh wh su", "wh0 wh1", false)
	f("wh we we", "wh0 we1 we2", true) // ejections of workers are overridden
	f("we", "we0", true)
	f("sd sz", "", false) // what the operator has taken out stays out
	f("sd su", "su1", true)
	f("sh sd sd sd", "sh0", false)
	f("wa", "", false) // a worker that listens nowhere is well, and gets nothing
	f("wa wh wa", "wh1", false)
	f("wa we", "we1", true)
}

func TestUpstream_StatusIsCarried(t *testing.T) {
	p := New("p", settings("a"), nil)
	u := p.Get("a")
	if u.Load() != (Load{}) || u.Probe() != (ProbeStatus{}) || !u.LastSuccess().IsZero() {
		t.Error("not empty at first")
	}
	u.SetLoad(Load{CPU: 0.5})
	u.SetProbe(ProbeStatus{Passed: 3})
	if u.Load().CPU != 0.5 || u.Probe().Passed != 3 {
		t.Error("lost")
	}
}

func TestUpstream_AveragesFollowOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New("p", settings("a"), nil)
		u := p.Get("a")
		time.Sleep(time.Second)
		exchange(t, u, 1, Outcome{Result: Success, Status: 200, Latency: 80 * time.Millisecond})
		if u.Latency() != 80*time.Millisecond || u.ErrorRate() != 0 || !u.LastSuccess().Equal(time.Now()) {
			t.Errorf("after one: latency %s, error rate %v", u.Latency(), u.ErrorRate())
		}
		for range 200 {
			time.Sleep(100 * time.Millisecond)
			exchange(t, u, 1, Outcome{Result: Success, Status: 200, Latency: 20 * time.Millisecond})
		}
		if d := u.Latency(); d < 20*time.Millisecond || d > 21*time.Millisecond {
			t.Errorf("latency %s", d)
		}
		last := u.LastSuccess()
		for range 400 {
			time.Sleep(10 * time.Millisecond)
			exchange(t, u, 1, Outcome{Result: Success, Status: 200})
			exchange(t, u, 1, Outcome{Result: Neutral, Latency: time.Hour})
			if l, err := u.Acquire(); err == nil {
				l.Release(Outcome{Result: Success, Status: 500, Latency: time.Microsecond})
			}
			if u.gate.has(gateTripped) {
				break
			}
		}
		if u.ErrorRate() == 0 || u.Latency() < 20*time.Millisecond || !u.LastSuccess().After(last) {
			t.Errorf("error rate %v, latency %s", u.ErrorRate(), u.Latency())
		}
	})
}

func TestUpstream_LatencyIsForgottenInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New("p", settings("a"), nil)
		u := p.Get("a")
		time.Sleep(time.Second)
		exchange(t, u, 1, Outcome{Result: Success, Status: 200, Latency: 8 * time.Second})
		now := p.Snapshot().Clock()
		f := func(after, want time.Duration) {
			t.Helper()
			if got := u.LatencyAt(now + after); got != want {
				t.Errorf("after %s: %s, want %s", after, got, want)
			}
		}
		f(0, 8*time.Second)
		f(averageOver, 4*time.Second)
		f(3*averageOver, time.Second)
		f(time.Hour, 0)
		f(-time.Hour, 8*time.Second)
	})
}

func TestRequests_NeutralWithoutAnswerIsNone(t *testing.T) {
	p := New("p", settings("a"), nil)
	u := p.Get("a")
	exchange(t, u, 1, Outcome{Result: Neutral})
	exchange(t, u, 1, Outcome{Result: Neutral, Status: 200})
	exchange(t, u, 1, Outcome{Result: Reset})
	exchange(t, u, 1, Outcome{Result: Success, Status: 404})
	if u.Requests() != 3 || u.InFlight() != 0 {
		t.Errorf("%d requests, %d in flight", u.Requests(), u.InFlight())
	}
}
