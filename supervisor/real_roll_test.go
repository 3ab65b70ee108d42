package supervisor

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/pool"
)

func TestReal_RollAndFailedRoll(t *testing.T) {
	cfg := workerPool(2, "serve")
	y := newYard(t, cfg)
	y.untilReady(2)
	roll, err := y.s.Restart()
	if err != nil {
		t.Fatal(err)
	}
	y.until("the roll has ended", func() bool {
		if y.s.Ready() < 2 {
			t.Error("fewer than two were ready")
		}
		return isDone(roll)
	})
	if roll.Err() != nil || y.pool.Get("app-1.2") == nil || y.pool.Get("app-2.2") == nil || len(y.pool.All()) != 2 {
		t.Fatalf("%v: %+v", roll.Err(), y.s.Workers())
	}
	broken := workerPool(2, "crash", "0", "5")
	if roll, err = y.s.Reconfigure(broken, 5*time.Second, true); err != nil {
		t.Fatal(err)
	}
	y.until("the roll has ended", func() bool { return isDone(roll) })
	if !errors.Is(roll.Err(), ErrRolledBack) || !strings.Contains(roll.Err().Error(), "exit status 5") {
		t.Errorf("it ended with %v", roll.Err())
	}
	y.mustGet("app-1", "/", "app-1.2")
	y.mustGet("app-2", "/", "app-2.2")
}

func isDone(r *Roll) bool {
	select {
	case <-r.Done():
		return true
	default:
		return false
	}
}

func TestReal_ScaleUpAndDown(t *testing.T) {
	y := newYard(t, workerPool(1, "serve"))
	y.untilReady(1)
	for _, n := range []int{4, 2, 0, 1} {
		if err := y.s.Scale(n); err != nil {
			t.Fatal(err)
		}
		y.untilReady(n)
		if got := len(y.pids()); got != n {
			t.Errorf("%d processes for %d workers", got, n)
		}
	}
}

func TestReal_StopDuringARoll(t *testing.T) {
	cfg := workerPool(2, "serve")
	gate := newGate(t, cfg)
	gate.open()
	y := newYard(t, cfg)
	y.untilReady(2)
	gate.close()
	roll, err := y.s.Restart()
	if err != nil {
		t.Fatal(err)
	}
	y.until("a new worker starts", func() bool { return len(y.pids()) >= 3 })
	y.finish()
	if !isDone(roll) || !errors.Is(roll.Err(), ErrStopping) {
		t.Errorf("the roll ended with %v", roll.Err())
	}
}

func TestReal_NotifyIsTheWorkersWord(t *testing.T) {
	cfg := workerPool(1, "notify", "1000")
	cfg.ProcessManagement.Ready = "notify"
	cfg.HealthCheck.Enabled = true
	y := newYard(t, cfg)
	y.until("it listens", func() bool { return y.pool.Get("app-1") != nil })
	if y.pool.Get("app-1").State() != pool.Starting {
		t.Error("it is routed to before it said READY=1")
	}
	y.untilReady(1)

	silent := workerPool(1, "serve")
	silent.ProcessManagement.Ready = "notify"
	silent.ProcessManagement.StartTimeout = config.Duration(3 * time.Second) // in which it listens
	roll, err := y.s.Reconfigure(silent, 5*time.Second, true)
	if err != nil {
		t.Fatal(err)
	}
	y.until("the roll has ended", func() bool { return isDone(roll) })
	if !errors.Is(roll.Err(), ErrRolledBack) || !strings.Contains(roll.Err().Error(), "has not said that it is ready") {
		t.Errorf("the roll ended with %v", roll.Err())
	}
}

func TestReal_NodeSaysReadyOverTheChannel(t *testing.T) {
	workertest.Need(t, "node")
	cfg := poolConfig(1, func(c *config.Pool) {
		c.Command = []string{"node", "-e", `
			const s = require('http').createServer((q, r) => r.end('node ' + process.env.DROVER_WORKER_ID))
			s.listen(process.env.PORT, process.env.HOST, () => process.send('ready'))`}
		c.ProcessManagement.Ready = "notify"
		c.ProcessManagement.StartTimeout = config.Duration(20 * time.Second)
	})
	y := newYard(t, cfg)
	y.untilReady(1)
	y.mustGet("app-1", "/", "node app-1.1")
}

func TestReal_PortOfAnotherProcessIsNotUsed(t *testing.T) {
	cfg := workerPool(1, "serve")
	gate := newGate(t, cfg)
	y := newYard(t, cfg)
	var stolen net.Listener
	y.until("its port is taken away", func() bool {
		y.s.o.Ports.mu.Lock()
		defer y.s.o.Ports.mu.Unlock()
		for port := range y.s.o.Ports.used {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				t.Fatal(err)
			}
			stolen = l
			return true
		}
		return false
	})
	defer func() { _ = stolen.Close() }() // only taken
	gate.open()
	y.until("another worker is ready elsewhere", func() bool { return y.s.Ready() == 1 })
	up := y.pool.Get("app-1")
	if up.Address == stolen.Addr().String() || up.Generation < 2 || y.s.Restarts()[ReasonPortStolen] == 0 {
		t.Errorf("ready on %s, generation %d, restarts %v", up.Address, up.Generation, y.s.Restarts())
	}
}
