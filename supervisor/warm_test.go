package supervisor

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/pool"
)

// warming makes the farm one whose workers are warmed, before any of them listens.
func (f *farm) warming() {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.o.Warming = true
}

// said tells whether the prober was told that the worker is ready but for warming.
func (f *farm) said(id string) bool {
	select {
	case <-f.pool.Get(id).SaidReady():
		return true
	default:
		return false
	}
}

func TestSupervisor_WaitsUntilAWorkerIsWarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, nil), func(string) behaviour { return behaviour{listens: time.Second} })
		f.warming()
		f.settle(30 * time.Second)
		f.want("app-1.1 starting")
		if !f.said("app-1.1") || f.pool.Get("app-1.1").State() != pool.Starting {
			t.Errorf("the prober was told: %v; the worker is %s", f.said("app-1.1"), f.pool.Get("app-1.1").State())
		}
		f.pool.SetHealth("app-1.1", true, nil) // the prober has warmed it
		f.settle(time.Second)
		f.want("app-1.1 running")

		// The old one serves until the new one is warm.
		if _, err := f.s.Restart(); err != nil {
			t.Fatal(err)
		}
		f.settle(30 * time.Second)
		f.want("app-1.1 running, app-1.2 starting")
		f.pool.SetHealth("app-1.2", true, nil)
		f.settle(time.Second)
		f.want("app-1.2 running")
	})
}

func TestSupervisor_AWorkerThatStaysColdIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, func(c *config.Pool) { c.ProcessManagement.StartTimeout = config.Duration(10 * time.Second) }), nil)
		f.warming()
		f.settle(time.Second)
		f.pool.Get("app-1.1").SetProbe(pool.ProbeStatus{Warming: true, LastError: "GET /warm: status 503, want 2xx"})
		f.settle(10 * time.Second)
		if m := f.message(event.WorkerStartTimeout); !strings.Contains(m, "it did not answer with 2xx what cache.warm asks it for: GET /warm: status 503, want 2xx") {
			t.Errorf("it is said: %s", m)
		}
	})
}
