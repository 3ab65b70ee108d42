package supervisor

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// Whatever happens in whatever order, no slot has more than two processes, no
// impossible step is tried (newFarm's clean-up looks for it), every roll ends,
// and once the trouble is over the pool is as it is wanted.
func TestSupervisor_SurvivesAnyOrderOfEvents(t *testing.T) {
	seeds := 5
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { chaos(t, rand.New(rand.NewPCG(uint64(seed), 1))) })
		})
	}
}

func chaos(t *testing.T, r *rand.Rand) {
	rolling := []config.Rolling{{MaxSurge: 1}, {MaxSurge: 2, MaxUnavailable: 1}, {MaxUnavailable: 1}}[r.IntN(3)]
	configured := func() *config.Pool {
		return poolConfig(3, func(c *config.Pool) {
			c.ProcessManagement.Rolling = rolling
			c.ProcessManagement.MaxRestarts = 4
			c.ProcessManagement.MaxLifetime, c.ProcessManagement.RecycleJitter = config.Duration(20*time.Second), 50
			c.Resources = bounded(1, nil).Resources
			c.ProcessManagement.StartTimeout = config.Duration(5 * time.Second)
			c.ProcessManagement.Respawn = r.IntN(10) > 0
		})
	}
	trouble := true
	random := rand.New(rand.NewPCG(r.Uint64(), 2)) // under the farm's lock
	f := newFarm(t, configured(), func(string) behaviour {
		b := behaviour{listens: time.Duration(random.IntN(2000)) * time.Millisecond, takes: time.Duration(random.IntN(500)) * time.Millisecond}
		if !trouble {
			return b
		}
		switch random.IntN(12) {
		case 0:
			b.ends = time.Duration(1+random.IntN(3000)) * time.Millisecond
		case 1:
			b.listens = -1
		case 2:
			b.ignoreTerm = true
		case 3:
			b.foreign = true
		case 4:
			b.leaves = true
		case 5:
			b.fails = errNoProgram
		}
		return b
	})
	var rolls []*Roll
	var held []func()
	for range 80 {
		switch r.IntN(10) {
		case 0:
			f.scale(r.IntN(6))
		case 1:
			if roll, err := f.s.Restart(); err == nil {
				rolls = append(rolls, roll)
			}
		case 2:
			roll, err := f.s.Reconfigure(configured(), time.Duration(r.IntN(5))*time.Second, r.IntN(2) == 0)
			if err != nil {
				t.Error(err)
			}
			if roll != nil {
				rolls = append(rolls, roll)
			}
		case 3, 4:
			id := fmt.Sprintf("app-%d", 1+r.IntN(6))
			verb := []func(string) error{f.s.WorkerStop, f.s.WorkerRestart, f.s.WorkerRestart, f.s.WorkerDrain, f.s.WorkerResume}[r.IntN(5)]
			_ = verb(id) // often not possible
		case 5:
			f.killOne(r)
		case 6:
			f.s.NoteMemory(fmt.Sprintf("app-%d", 1+r.IntN(6)), uint64(70+r.IntN(35))*mb)
		case 7:
			if ups := f.pool.Snapshot().Upstreams; len(ups) > 0 {
				if lease, err := ups[r.IntN(len(ups))].Acquire(); err == nil {
					held = append(held, func() { lease.Release(pool.Outcome{}) })
				}
			}
		default:
			if len(held) > 0 {
				held[0]()
				held = held[1:]
			}
		}
		f.settle(time.Duration(r.IntN(1500)) * time.Millisecond)
		f.atMostTwoPerSlot()
	}
	for _, release := range held {
		release()
	}
	f.mu.Lock()
	trouble = false
	f.mu.Unlock()
	f.settle(5 * time.Minute) // failed slots are tried again by then
	if _, err := f.s.Reconfigure(poolConfig(4, nil), drainTime, true); err != nil {
		t.Error(err)
	}
	f.settle(5 * time.Minute)
	for _, roll := range rolls {
		select {
		case <-roll.Done():
		default:
			t.Errorf("%s never ended", roll.ID)
		}
	}
	if f.s.Ready() != 4 || f.live() != 4 || len(f.pool.All()) != 4 {
		t.Errorf("in the end %d are ready of 4, %d processes, %d upstreams: %s", f.s.Ready(), f.live(), len(f.pool.All()), f.states())
	}
	if r.IntN(2) == 0 {
		f.s.StopFast()
	}
}

// killOne ends a random process.
func (f *farm) killOne(r *rand.Rand) {
	all := f.s.Workers()
	if len(all) == 0 {
		return
	}
	id := all[r.IntN(len(all))].ID
	f.mu.Lock()
	p := f.procs[id]
	f.mu.Unlock()
	if p != nil {
		p.Kill()
	}
}

func (f *farm) atMostTwoPerSlot() {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	bySlot := make(map[int]int)
	for id, p := range f.procs {
		slot, _, _ := parseID("app", id)
		if len(p.Tree()) > 0 {
			bySlot[slot]++
		}
	}
	for slot, n := range bySlot {
		if n > 2 {
			f.t.Errorf("slot %d has %d processes", slot, n)
		}
	}
}
