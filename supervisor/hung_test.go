package supervisor

import (
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/pool"
)

func TestHung_DumpSignalComesBeforeTheKill(t *testing.T) {
	f := func(b behaviour, wantDied time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			f := newFarm(t, poolConfig(1, func(c *config.Pool) {
				c.HealthCheck.Enabled, c.ProcessManagement.DumpSignal = true, "SIGQUIT"
			}), only(b, "app-1.1"))
			f.settle(time.Second)
			f.pool.SetHealth("app-1.1", true, nil)
			f.settle(time.Second)
			f.pool.Get("app-1.1").SetProbe(pool.ProbeStatus{Failures: 3, FirstFailure: time.Now()})
			begun := time.Now()
			p := f.proc("app-1.1")
			<-p.done
			if took := time.Since(begun); took < wantDied || took > wantDied+500*time.Millisecond {
				t.Errorf("it ended after %s, want %s", took, wantDied)
			}
			f.settle(time.Second)
			if !slices.Equal(p.sigs, []syscall.Signal{syscall.SIGQUIT}) || f.s.Restarts()[ReasonProbeFailed] != 1 {
				t.Errorf("signals %v, restarts %v", p.sigs, f.s.Restarts())
			}
		})
	}
	f(behaviour{ignoreTerm: true}, dumpTime)
	f(behaviour{takes: 100 * time.Millisecond}, 100*time.Millisecond) // as Go does
}

// Node.js has one thread for all: what blocks it makes the worker hang.
const hangs = `
require('http').createServer((req, res) => {
  res.end('ok');
  const shared = new Int32Array(new SharedArrayBuffer(4));
  res.on('close', () => {
    switch (req.url) {
      case '/spin': for (;;);
      case '/deadlock': Atomics.wait(shared, 0, 0); break;
      case '/block': Atomics.wait(shared, 0, 0, 800);
    }
  });
}).listen(process.env.PORT, '127.0.0.1');`

func TestHung_KindsAreToldApartAndOneThatRecoversIsLeftAlone(t *testing.T) {
	workertest.Need(t, "node")
	cfg := workerPool(4, "serve")
	cfg.Command, cfg.Env = []string{"node", "-e", hangs}, nil
	cfg.HealthCheck.Enabled = true
	cfg.HealthCheck.Interval, cfg.HealthCheck.Timeout, cfg.HealthCheck.MaxFailures = config.Duration(200*time.Millisecond), config.Duration(500*time.Millisecond), 4
	y := newYard(t, cfg)
	y.probe(200*time.Millisecond, 500*time.Millisecond)
	y.untilReady(4)
	y.mustGet("app-4.1", "/block", "ok")
	y.mustGet("app-1.1", "/spin", "ok")
	y.until("app-1 is replaced", func() bool { return y.s.Ready() == 4 && y.pool.Get("app-1.2") != nil })
	y.mustGet("app-2.1", "/deadlock", "ok")
	y.until("app-2 is replaced", func() bool { return y.s.Ready() == 4 && y.pool.Get("app-2.2") != nil })
	if err := syscall.Kill(y.s.Workers()[2].PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	y.until("app-3 is replaced", func() bool { return y.s.Ready() == 4 && y.pool.Get("app-3.2") != nil })
	for id, kind := range map[string]string{"app-1.1": "spin", "app-2.1": "deadlock", "app-3.1": "stopped"} {
		if !y.happened(event.WorkerKilled, "worker "+id+" is killed: it failed its health checks") || !y.happened(event.WorkerKilled, "("+kind+")") {
			t.Errorf("%s was not killed as %s", id, kind)
		}
	}
	if y.pool.Get("app-4.1") == nil || y.s.Restarts()[ReasonProbeFailed] != 3 {
		t.Errorf("one whose event loop was blocked for a time was replaced, or others were: %v", y.s.Restarts())
	}
}
