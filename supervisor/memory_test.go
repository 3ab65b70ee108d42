package supervisor

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/process"
)

const mb = 1 << 20

// bounded is a pool whose workers may use 100 MB.
func bounded(workers int, change func(*config.Pool)) *config.Pool {
	return poolConfig(workers, func(c *config.Pool) {
		c.Resources = config.Resources{MaxMemoryPerWorker: 100 * mb, MemoryManagement: config.DefaultPool().Resources.MemoryManagement}
		if change != nil {
			change(c)
		}
	})
}

// uses has a worker be measured.
func (f *farm) uses(id string, bytes uint64) {
	f.t.Helper()
	if !f.s.NoteMemory(id, bytes) {
		f.t.Errorf("%s is not known", id)
	}
	f.settle(10 * time.Millisecond)
}

func TestMemory_AboveTheLimitAWorkerIsKilledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, bounded(2, nil), nil)
		f.settle(time.Second)
		if f.s.NoteMemory("web-1.1", mb) || f.s.NoteMemory("app-1.2", mb) {
			t.Error("a worker of another pool, or one that there is not, is known")
		}
		f.uses("app-1.1", 100*mb-1)
		if f.happened(event.WorkerKilled) != 0 {
			t.Error(f.message(event.WorkerKilled))
		}
		f.uses("app-2.1", 100*mb)
		if p := f.proc("app-2.1"); p.terms != 0 || len(p.Tree()) != 0 || f.pool.Get("app-2.1") != nil {
			t.Error("it was not killed at once")
		}
		f.settle(time.Second)
		if got := f.s.Restarts(); got[ReasonOutOfMemory] != 1 {
			t.Errorf("restarts %v", got)
		}
		if m := f.message(event.WorkerKilled); !strings.Contains(m, "it uses 100 MB, and resources.maxMemoryPerWorker is 100 MB") {
			t.Error(m)
		}
	})
}

func TestMemory_WhatTheKernelKeepsIsLeftToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := only(behaviour{held: []process.Held{{Bound: process.BoundMemory, Level: process.LevelKernel}}}, "app-")
		f := newFarm(t, bounded(1, func(c *config.Pool) { c.Resources.MemoryManagement.MemoryCriticalThreshold = 100 }), kept)
		f.settle(time.Second)
		f.uses("app-1.1", 99*mb)
		f.settle(time.Second)
		f.want("app-1.1 running")
		f.uses("app-1.1", 101*mb) // from critical on it is replaced, in order
		f.settle(5 * time.Second)
		f.want("app-1.2 running")
		if got := f.s.Restarts(); f.happened(event.WorkerKilled) != 0 || f.happened(event.WorkerMemory) != 1 || got[ReasonMemory] != 1 || got[ReasonOutOfMemory] != 0 {
			t.Errorf("restarts %v", got)
		}
	})
}

func TestMemory_TheLimitHoldsInEveryState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, bounded(1, nil), only(behaviour{listens: time.Hour, ignoreTerm: true}, "app-1.1"))
		f.settle(time.Second)
		f.uses("app-1.1", 200*mb) // starting
		f.settle(time.Second)
		f.want("app-1.2 running")
		if got := f.s.Restarts(); got[ReasonOutOfMemory] != 1 {
			t.Errorf("restarts %v", got)
		}
		release := f.hold("app-1.2")
		r := f.restart()
		f.settle(time.Second)
		f.want("app-1.2 draining, app-1.3 running")
		f.uses("app-1.2", 200*mb)
		release()
		f.watchRoll(r)
		f.want("app-1.3 running")
		if got := f.s.Restarts(); r.Err() != nil || got[ReasonOutOfMemory] != 1 || got[ReasonRoll] != 1 {
			t.Errorf("%v, restarts %v: it left anyway", r.Err(), got)
		}
	})
}

func TestMemory_CriticalIsReplacedBeforeOthersThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, bounded(3, func(c *config.Pool) { c.ProcessManagement.MaxRequests = 10 }), slow)
		f.settle(2 * time.Second)
		f.serve("app-1.1", 10)
		f.settle(200 * time.Millisecond)
		f.serve("app-2.1", 10)
		f.settle(200 * time.Millisecond)
		f.uses("app-3.1", 96*mb)
		release := f.hold("app-3.1")
		if fewest, most := f.watch(10 * time.Second); fewest != 3 || most != 4 {
			t.Errorf("at least %d ready, at most %d processes", fewest, most)
		}
		release()
		f.want("app-1.2 running, app-2.1 running, app-3.1 draining, app-3.2 running")
		f.settle(5 * time.Second)
		if got := f.s.Restarts(); got[ReasonMemory] != 1 || got[ReasonMaxRequests] != 2 {
			t.Errorf("restarts %v", got)
		}
	})
}

func TestMemory_WarningIsToldOnceAndAsksForACollectionNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, bounded(1, nil), nil)
		f.settle(time.Second)
		want := func(told, collected int) {
			t.Helper()
			asked := int(f.collected.Load())
			if f.happened(event.WorkerMemory) != told || asked != collected {
				t.Errorf("told %d times and asked %d times, want %d and %d", f.happened(event.WorkerMemory), asked, told, collected)
			}
		}
		f.uses("app-1.1", 79*mb)
		want(0, 0)
		f.uses("app-1.1", 81*mb)
		want(1, 1)
		if m := f.message(event.WorkerMemory); !strings.Contains(m, "81 MB, 81% of resources.maxMemoryPerWorker") {
			t.Error(m)
		}
		f.uses("app-1.1", 79*mb)
		f.uses("app-1.1", 82*mb)
		want(1, 1)
		f.settle(hintEvery + time.Second)
		want(1, 2)
		f.uses("app-1.1", 50*mb)
		f.settle(time.Second)
		f.uses("app-1.1", 85*mb)
		want(2, 2)
		f.settle(time.Minute)
		f.want("app-1.1 running")
	})
}

func TestMemory_SwitchedOffLeavesTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, bounded(1, func(c *config.Pool) { c.Resources.MemoryManagement.Enabled = false }), nil)
		f.settle(time.Second)
		f.uses("app-1.1", 99*mb)
		f.settle(time.Minute)
		f.want("app-1.1 running")
		if f.happened(event.WorkerMemory) != 0 {
			t.Error("it was told of")
		}
		f.uses("app-1.1", 100*mb)
		f.settle(time.Minute)
		f.want("app-1.2 running")
	})
}

func TestMemory_RuntimesAreToldUnlessTheUserHas(t *testing.T) {
	f := func(command []string, inherited []string, wantNode, wantGo string) {
		t.Helper()
		cfg := bounded(1, func(c *config.Pool) { c.Command, c.Resources.MaxMemoryPerWorker = command, 512*mb })
		got := map[string]string{}
		for _, kv := range environ(inherited, nil, nil, nil, nil, identity{ID: "a-1.1", Transport: "port", Memory: runtimeMemory(cfg)}) {
			name, value, _ := strings.Cut(kv, "=")
			got[name] = value
		}
		if got["NODE_OPTIONS"] != wantNode || got["GOMEMLIMIT"] != wantGo {
			t.Errorf("NODE_OPTIONS=%s GOMEMLIMIT=%s, want %s and %s", got["NODE_OPTIONS"], got["GOMEMLIMIT"], wantNode, wantGo)
		}
	}
	node := []string{"node", "server.js"}
	f(node, nil, "--max-old-space-size=438", "483183819")
	f(node, []string{"NODE_OPTIONS=--enable-source-maps", "GOMEMLIMIT=1GiB"}, "--enable-source-maps --max-old-space-size=438", "1GiB")
	f(node, []string{"NODE_OPTIONS=--max_old_space_size=99"}, "--max_old_space_size=99", "483183819")
	f([]string{"node", "--max-old-space-size=99", "server.js"}, nil, "", "")

	g := func(limit, want uint64) {
		t.Helper()
		if got := oldSpace(limit * mb); got != want {
			t.Errorf("of %d MB Node.js gets %d, want %d", limit, got, want)
		}
	}
	g(4, 2)
	g(64, 32)
	g(128, 73)
	g(1024, 924)
	g(4096, 3843)
}
