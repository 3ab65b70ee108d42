package supervisor

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/pool"
)

func TestLegacy_GenerationsGoOnAndNoIDIsUsedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(3, nil), nil)
		f.settle(time.Second)
		f.proc("app-2.1").Kill()
		f.settle(time.Second)
		f.want("app-1.1 running, app-2.2 running, app-3.1 running")
		if err := f.s.WorkerStop("app-3"); err != nil {
			t.Fatal(err)
		}
		f.settle(time.Second)
		left := f.s.Leave()
		if want := (Legacy{Generations: []int{1, 2, 1}, Stopped: []int{3}}); !reflect.DeepEqual(left, want) {
			t.Errorf("%+v, want %+v", left, want)
		}

		g := newFarm(t, poolConfig(0, nil), nil)
		g.s.Inherit(left) // before there is any slot
		if err := g.s.Scale(3); err != nil {
			t.Fatal(err)
		}
		g.settle(time.Second)
		g.want("app-1.2 running, app-2.3 running, app-3.1 stopped")
		if c := g.s.Capacity(); c.Wanted != 3 || c.Held != 1 || c.Coming != 0 {
			t.Errorf("%+v", c)
		}
		if err := g.s.Scale(4); err != nil {
			t.Fatal(err)
		}
		if err := g.s.WorkerRestart("app-3"); err != nil {
			t.Fatal(err)
		}
		g.settle(time.Second)
		g.want("app-1.2 running, app-2.3 running, app-3.2 running, app-4.1 running")

		// What the old one has to start meanwhile has other numbers.
		f.proc("app-1.1").Kill()
		f.settle(time.Second)
		f.want("app-1.3 running, app-2.2 running, app-3.1 stopped")
		if f.pool.Get("app-1.3").State() != pool.Healthy {
			t.Error("it does not serve")
		}
	})
}
