package supervisor

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

func TestZombies_AreToldOfWhenTheyPileUp(t *testing.T) {
	f := func(on bool, forgets, want int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			f := newFarm(t, poolConfig(1, func(c *config.Pool) { c.ProcessManagement.ZombieDetection = on }),
				func(string) behaviour { return behaviour{forgets: forgets} })
			f.settle(65 * time.Second)
			if n := f.happened(event.WorkerZombies); n != want {
				t.Errorf("told of %d times, want %d", n, want)
			}
		})
	}
	f(true, 0, 0)
	f(true, 1, 3) // 10, 20 and 40
	f(false, 1, 0)
}

func TestReal_ChildrenThatNobodyWaitsForAreCounted(t *testing.T) {
	cfg := workerPool(1, "serve")
	// The shell has children that end, and becomes a program that does not know of them.
	cfg.Command = append([]string{"sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 0.1 & done; exec \"$@\"", "sh"}, cfg.Command...)
	cfg.ProcessManagement.ZombieDetection = true
	y := newYard(t, cfg)
	y.untilReady(1)
	y.until("its zombies are told of", func() bool { return y.happened(event.WorkerZombies, "app-1.1 has 12 ended children") })
	if strings.Count(y.s.Workers()[0].ID, "app-1.1") != 1 {
		t.Errorf("the worker was replaced for that: %+v", y.s.Workers())
	}
}
