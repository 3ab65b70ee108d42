package strategy

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// growing is a pool of n workers that were healthy for long and one, the last,
// that has just become it.
func growing(t *testing.T, n int) *pool.Pool {
	p := pool.New("p", &config.Pool{SlowStart: config.Duration(10 * time.Second)}, nil)
	for i := range n {
		join(t, p, i+1, 1, 1)
	}
	time.Sleep(time.Minute)
	join(t, p, n+1, 1, 1)
	return p
}

func TestPick_ShareGrowsInSlowStart(t *testing.T) {
	for _, name := range Names() {
		if name == consistentHash {
			continue
		}
		for _, hold := range []int{0, 30} {
			synctest.Test(t, func(t *testing.T) {
				p, s := growing(t, 4), newStrategy(t, name)
				last := 0.0
				for _, at := range []struct{ share, tolerance float64 }{{0.1, 0.05}, {0.5, 0.15}, {1, 0}} {
					got := shareOf(t, s, p, 4000, hold)
					full := (1 - got["p-5"]) / 4
					if part := got["p-5"] / full; at.share < 1 {
						near(t, name+" slow", part, at.share, 2*at.tolerance)
					} else {
						near(t, name+" full", part, 1, 0.35)
					}
					if got["p-5"] <= last {
						t.Errorf("%s: share %.3f, before it %.3f", name, got["p-5"], last)
					}
					last = got["p-5"]
					for _, other := range []string{"p-1", "p-2", "p-3", "p-4"} { // what it does not get is shared by all
						near(t, name+" "+other, got[other], full, 0.04)
					}
					time.Sleep(5 * time.Second)
				}
			})
		}
	}
}

func TestPick_SlowStartHoldsNobodyBack(t *testing.T) {
	each(t, func(t *testing.T, s Strategy) {
		synctest.Test(t, func(t *testing.T) {
			f := func(p *pool.Pool, want float64) {
				t.Helper()
				if got := shareOf(t, s, p, 2000, 0); got["p-1"] < want*0.75 || got["p-1"] > want*1.25 {
					t.Errorf("shares %v, want %v for p-1", got, want)
				}
			}
			alone := growing(t, 0)
			f(alone, 1)
			together := growing(t, 0)
			join(t, together, 2, 1, 1)
			f(together, 0.5)
			rest := growing(t, 1) // the others cannot take anything
			p := rest.Get("p-1")
			rest.SetDrained(p.ID, true)
			if u := s.Pick(rest.Snapshot(), &Request{}); u == nil || u.Label != "p-2" {
				t.Errorf("picked %v", u)
			}
			rest.SetDrained(p.ID, false)
			if u := s.Pick(rest.Snapshot(), &Request{Tried: []*pool.Upstream{p}}); u == nil || u.Label != "p-2" {
				t.Errorf("with p-1 tried: %v", u)
			}
		})
	})
}

func TestPick_SlowStartAllocatesNothing(t *testing.T) {
	p := pool.New("p", &config.Pool{SlowStart: config.Duration(time.Hour)}, nil)
	join(t, p, 1, 1, 1)
	time.Sleep(time.Millisecond)
	for i := range 9 {
		join(t, p, i+2, 1, 1)
	}
	snap := p.Snapshot()
	if snap.Warming() == 0 {
		t.Fatal("nobody is in slow start")
	}
	each(t, func(t *testing.T, s Strategy) {
		if n := testing.AllocsPerRun(500, func() { s.Pick(snap, nil) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
