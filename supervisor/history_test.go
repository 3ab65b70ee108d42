package supervisor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
)

func TestHistory_TellsWhyEachWorkerOfASlotLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, func(c *config.Pool) { c.ProcessManagement.MaxRestarts = 1000 }), func(id string) behaviour {
			switch {
			case id == "app-1.1":
				return behaviour{ends: time.Minute, code: 3}
			case id == "app-1.2":
				return behaviour{fails: errNoProgram}
			}
			return behaviour{}
		})
		f.settle(90 * time.Second)
		f.watchRoll(f.restart())
		h := f.s.Workers()[0].History
		if len(h) != 3 {
			t.Fatalf("the history is %+v", h)
		}
		want := []Life{
			{Generation: 1, Started: bubbleStart, Ended: bubbleStart.Add(time.Minute), Reason: ReasonCrash, Exit: "exit status 3"},
			{Generation: 2, Reason: ReasonStartFailed, Exit: "not started: no such program"},
			{Generation: 3, Reason: ReasonRoll, Exit: "exit status 0"},
		}
		for i, l := range h {
			if l.Generation != want[i].Generation || l.Reason != want[i].Reason || l.Exit != want[i].Exit {
				t.Errorf("%+v, want %+v", l, want[i])
			}
		}
		if h[0].Uptime().Round(time.Second) != time.Minute {
			t.Errorf("it lived %s", h[0].Uptime())
		}
		for range remembered + 5 {
			f.watchRoll(f.restart())
		}
		if now := f.s.Workers()[0].History; len(now) != remembered || now[remembered-1].Generation != remembered+8 {
			t.Errorf("%d are remembered, the last %+v", len(now), now[len(now)-1])
		}
		if h[0].Generation != 1 {
			t.Error("what was handed out has changed")
		}
	})
}
