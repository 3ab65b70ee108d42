package pool

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
)

// share returns the share of the upstream now.
func share(p *Pool, id string) float64 {
	s := p.Snapshot()
	now := s.Warming()
	if now == 0 {
		return 1
	}
	return s.ShareAt(p.Get(id), now)
}

func TestSlowStart_BeginsWithEachReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := settings("a", "b")
		cfg.CircuitBreaker.Enabled = false
		cfg.SlowStart = config.Duration(10 * time.Second)
		p := New("p", cfg, nil)
		f := func(what, id string) {
			t.Helper()
			for _, want := range []float64{0.1, 0.5, 1} {
				if got := share(p, id); got < want-0.02 || got > want+0.02 {
					t.Errorf("%s: share %v, want %v", what, got, want)
				}
				if want < 1 {
					time.Sleep(5 * time.Second)
				}
			}
			if got := share(p, "b"); got != 1 {
				t.Errorf("%s: share of the other one %v", what, got)
			}
		}
		if share(p, "a") != 1 || share(p, "b") != 1 {
			t.Error("those of the beginning are held back")
		}
		p.SetHealth("a", false, nil)
		p.SetHealth("a", true, nil)
		f("probes passed again", "a")

		exchange(t, p.Get("a"), cfg.Outlier.ConsecutiveErrors, reset)
		if !p.Get("a").Ejected() {
			t.Fatal("not ejected")
		}
		time.Sleep(cfg.Outlier.EjectFor.Std())
		synctest.Wait()
		f("after an ejection", "a")

		if _, err := p.Add(Spec{ID: "p-1.1", Label: "p-1", Address: "x", Spawned: true, State: Starting}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		p.SetHealth("p-1.1", true, nil)
		f("a new worker", "p-1.1")

		p.SetDrained("a", true)
		p.SetDrained("a", false)
		if got := share(p, "a"); got != 1 {
			t.Errorf("after an operator's drain: share %v", got)
		}
	})
}

func TestSlowStart_FollowsTheSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := settings("a", "b")
		p := New("p", cfg, nil)
		p.SetHealth("a", false, nil)
		p.SetHealth("a", true, nil)
		if got := share(p, "a"); got != 1 {
			t.Errorf("switched off: share %v", got)
		}
		time.Sleep(time.Second)
		on := *cfg
		on.SlowStart = config.Duration(4 * time.Second)
		p.Reconfigure(&on)
		if got := share(p, "a"); got < 0.2 || got > 0.3 {
			t.Errorf("switched on after a quarter of its time: share %v", got)
		}
	})
}
