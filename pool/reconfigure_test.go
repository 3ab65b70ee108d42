package pool

import (
	"io"
	"testing"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

func TestReconfigure_UnchangedKeepEverything(t *testing.T) {
	p := New("p", settings("a", "b", "c"), nil)
	a, b, c := p.Get("a"), p.Get("b"), p.Get("c")
	w := add(t, p, worker(1, 1, Healthy))
	remote := add(t, p, Spec{ID: "far", Address: "10.1.1.1:80", Weight: 1, State: Healthy})
	conns := map[*Upstream]*closer{}
	for _, u := range p.All() {
		conns[u] = u.Attachment(func(*Upstream) io.Closer { return &closer{} }).(*closer)
	}
	p.SetDrained("a", true)
	exchange(t, w, 20, bad)
	l := acquire(t, c)

	cfg := *p.Config()
	cfg.Upstreams = []config.Upstream{
		cfg.Upstreams[0],
		{Name: "b", Address: "10.0.0.99:80", Weight: 1}, // moved
		{Address: "unix:/run/x.sock", Weight: 7},        // new
	}
	p.Reconfigure(&cfg)

	if got, want := ids(p.All()), "a b far unix:/run/x.sock p-1.1"; got != want {
		t.Errorf("members %q, want %q", got, want)
	}
	if p.Get("a") != a || !a.Drained() || p.Get("p-1.1") != w || w.BreakerState() != "open" || p.Get("far") != remote {
		t.Error("an unchanged one has lost something")
	}
	if p.Get("b") == b || b.State() != Removed || c.State() != Removed || c.InFlight() != 1 {
		t.Error("the old ones are not gone")
	}
	for u, want := range map[*Upstream]int32{a: 0, w: 0, remote: 0, b: 1, c: 1} {
		if got := conns[u].closed.Load(); got != want {
			t.Errorf("connections of %s closed %d times, want %d", u.ID, got, want)
		}
	}
	l.Release(ok)
	x := p.Get("unix:/run/x.sock")
	if x.Network != "unix" || x.Address != "/run/x.sock" || x.Weight() != 7 || x.State() != Healthy {
		t.Errorf("the new one: %s %s, weight %d, %s", x.Network, x.Address, x.Weight(), x.State())
	}
}

func TestReconfigure_WeightOfTheOperatorStays(t *testing.T) {
	p := New("p", settings("a"), nil)
	f := func(settings, want int) {
		t.Helper()
		cfg := *p.Config()
		cfg.Upstreams = []config.Upstream{{Name: "a", Address: cfg.Upstreams[0].Address, Weight: settings}}
		p.Reconfigure(&cfg)
		if got := p.Get("a").Weight(); got != want {
			t.Errorf("settings say %d: weight %d, want %d", settings, got, want)
		}
	}
	p.SetWeight("a", 50)
	f(1, 50)
	f(3, 3)
	f(0, 0)
	f(300, MaxWeight)
}

func TestReconfigure_NameOfAWorkerIsReported(t *testing.T) {
	bus := event.NewBus(10)
	p := New("p", settings(), bus)
	w := add(t, p, worker(1, 1, Healthy))
	cfg := *p.Config()
	cfg.Upstreams = []config.Upstream{{Name: "p-1.1", Address: "10.0.0.1:80", Weight: 1}}
	p.Reconfigure(&cfg)
	if p.Get("p-1.1") != w || len(bus.Recent()) != 1 || bus.Recent()[0].Kind != event.Internal {
		t.Errorf("events %v", bus.Recent())
	}
}
