package pool

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Time stands still in the bubble as long as anybody can run: a wake-up that
// is lost shows as time that passes until the tick.
func TestWait_NoWakeUpIsLost(t *testing.T) {
	const requests, limit, ups = 120, 2, 2
	for round := range 100 {
		synctest.Test(t, func(t *testing.T) {
			p := limited(ups, limit)
			start := time.Now()
			var wg sync.WaitGroup
			var most, now, turn atomic.Int64
			for i := range requests {
				wg.Go(func() {
					deadline := in(time.Hour)
					for {
						for range p.Snapshot().Upstreams {
							ups := p.Snapshot().Upstreams
							l, err := ups[int(turn.Add(1))%len(ups)].Acquire()
							if err != nil {
								continue
							}
							n := now.Add(1)
							for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
							}
							if i%3 == 0 {
								runtime.Gosched()
							}
							now.Add(-1)
							l.Release(ok)
							return
						}
						if err := p.Wait(deadline, nil); err != nil {
							t.Errorf("Wait: %v", err)
							return
						}
					}
				})
			}
			if round%2 == 0 { // changes of the pool meanwhile
				wg.Go(func() {
					for range 20 {
						p.SetDrained("a0", true)
						p.SetDrained("a0", false)
					}
				})
			}
			wg.Wait()
			if d := time.Since(start); d != 0 {
				t.Errorf("round %d: a request stood in the queue for %s though there was room", round, d)
			}
			if m := most.Load(); m > ups*limit {
				t.Errorf("%d in flight", m)
			}
		})
	}
}

func TestWait_NoWaiterIsLeftBehindByPublish(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			p := New("p", settings(), nil)
			p.SetExpecting(true)
			start := time.Now()
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if err := p.Wait(in(time.Hour), nil); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Go(func() { add(t, p, worker(1, 1, Healthy)) })
			wg.Wait()
			if d := time.Since(start); d != 0 {
				t.Errorf("waited for %s", d)
			}
		})
	}
}

func TestWait_CancelAndTimeoutRaceWithRelease(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			p := limited(1, 1)
			u := p.Get("a0")
			l := acquire(t, u)
			gone := make(chan struct{})
			var wg sync.WaitGroup
			var served atomic.Int64
			request := func(cancel <-chan struct{}) {
				deadline := in(time.Hour)
				for {
					if l, err := u.Acquire(); err == nil {
						served.Add(1)
						l.Release(ok)
						return
					}
					if err := p.Wait(deadline, cancel); err != nil {
						return
					}
				}
			}
			for range 4 {
				wg.Go(func() { request(gone) })
				wg.Go(func() { request(nil) })
			}
			synctest.Wait()
			wg.Go(func() { close(gone) })
			wg.Go(func() { l.Release(ok) })
			wg.Wait()
			if served.Load() < 4 {
				t.Errorf("%d served, want the four that stayed", served.Load())
			}
		})
	}
}

// The narrow windows: a release, a refused try and a wait at one moment, many times.
func TestWait_ReleaseRacesWithTryAndWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limited(1, 1)
		u := p.Get("a0")
		start := time.Now()
		for range 20000 {
			l := acquire(t, u)
			var wg sync.WaitGroup
			wg.Go(func() { l.Release(ok) })
			wg.Go(func() {
				if l, err := u.Acquire(); err == nil {
					l.Release(ok)
				}
			})
			wg.Go(func() {
				for deadline := in(time.Hour); ; {
					if l, err := u.Acquire(); err == nil {
						l.Release(ok)
						return
					}
					if err := p.Wait(deadline, nil); err != nil {
						t.Error(err)
						return
					}
				}
			})
			wg.Wait()
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("requests stood in the queue for %s in all though there was room", d)
		}
	})
}
