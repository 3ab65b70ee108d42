package pool

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
)

// limited returns a pool of n static upstreams that take limit requests each.
func limited(n, limit int) *Pool {
	p := ejecting(n, nil)
	cfg := *p.Config()
	cfg.Queue.MaxInFlightPerWorker = limit
	p.Reconfigure(&cfg)
	return p
}

// resize changes how many requests may queue.
func resize(p *Pool, length int) {
	cfg := *p.Config()
	cfg.Queue.Length = length
	p.Reconfigure(&cfg)
}

func in(d time.Duration) time.Time { return time.Now().Add(d) }

// queued starts a Wait and returns its result when it has one. It returns when the request is in the queue.
func queued(p *Pool, deadline time.Time, cancel <-chan struct{}) <-chan error {
	got := make(chan error, 1)
	go func() { got <- p.Wait(deadline, cancel) }()
	synctest.Wait()
	return got
}

func wantStill(t testing.TB, what string, got <-chan error) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-got:
		t.Errorf("%s: Wait returned %v", what, err)
	default:
	}
}

func wantWait(t testing.TB, what string, got <-chan error, want error) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-got:
		if !errors.Is(err, want) {
			t.Errorf("%s: Wait returned %v, want %v", what, err, want)
		}
	default:
		t.Errorf("%s: Wait has not returned", what)
	}
}

func TestWait_AnswersAtOnce(t *testing.T) {
	f := func(what string, p *Pool, change func(), want error) {
		t.Helper()
		if change != nil {
			change()
		}
		if err := p.Wait(in(time.Hour), nil); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		if p.QueueLength() != 0 || p.queue.waiting.Load() != 0 {
			t.Errorf("%s: something stays in the queue", what)
		}
	}
	p := limited(1, 1)
	f("room", p, nil, nil)
	f("drained", p, func() { p.SetDrained("a0", true) }, ErrNoUpstream)
	p = limited(2, 1)
	f("breakers", p, func() { p.Get("a0").gate.raise(gateTripped); p.Get("a1").gate.raise(gateTripped) }, ErrBreakerOpen)
	f("breakers, and a worker to come", p, func() { p.SetExpecting(true) }, ErrBreakerOpen)
	p = limited(1, 1)
	acquire(t, p.Get("a0"))
	if err := p.Wait(in(-time.Second), nil); !errors.Is(err, ErrQueueTimeout) {
		t.Errorf("deadline passed: %v", err)
	}
	f("no queue", p, func() { resize(p, 0) }, ErrQueueFull)
}

func TestWait_ReleaseWakesOneInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limited(1, 1)
		u := p.Get("a0")
		l := acquire(t, u)
		first := queued(p, in(time.Hour), nil)
		second := queued(p, in(time.Hour), nil)
		if n := p.QueueLength(); n != 2 {
			t.Errorf("queue length %d", n)
		}
		l.Release(ok)
		wantWait(t, "first", first, nil)
		wantStill(t, "second", second)
		l = acquire(t, u)
		l.Release(ok)
		wantWait(t, "second", second, nil)
		if n := p.QueueLength(); n != 0 {
			t.Errorf("queue length %d", n)
		}
	})
}

func TestWait_ReturnsToItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limited(1, 1)
		resize(p, 1)
		u := p.Get("a0")
		l := acquire(t, u)
		early, late := in(10*time.Second), in(11*time.Second)
		first := queued(p, early, nil)
		l.Release(ok)
		wantWait(t, "first", first, nil)
		l = acquire(t, u) // a newcomer was faster
		second := queued(p, late, nil)
		first = queued(p, early, nil) // the queue is full, but it was there before
		wantWait(t, "a third", queued(p, in(12*time.Second), nil), ErrQueueFull)
		l.Release(ok)
		wantWait(t, "first again", first, nil)
		wantStill(t, "second", second)
		acquire(t, u)
		time.Sleep(11 * time.Second)
		wantWait(t, "second", second, ErrQueueTimeout)
	})
}

func TestWait_BoundsOfLengthAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limited(1, 1)
		resize(p, 2)
		acquire(t, p.Get("a0"))
		start := time.Now()
		one := queued(p, in(2*time.Second), nil)
		two := queued(p, in(3*time.Second), nil)
		wantWait(t, "three", queued(p, in(4*time.Second), nil), ErrQueueFull)
		if err := <-one; !errors.Is(err, ErrQueueTimeout) || time.Since(start) != 2*time.Second {
			t.Errorf("one: %v after %s", err, time.Since(start))
		}
		three := queued(p, in(4*time.Second), nil)
		wantStill(t, "three", three)
		if err := <-two; !errors.Is(err, ErrQueueTimeout) || time.Since(start) != 3*time.Second {
			t.Errorf("two: %v after %s", err, time.Since(start))
		}
		wantWaitIn(t, three, ErrQueueTimeout)
		if p.queue.waiting.Load() != 0 || p.QueueLength() != 0 {
			t.Error("something stays in the queue")
		}
	})
}

func wantWaitIn(t testing.TB, got <-chan error, want error) {
	t.Helper()
	if err := <-got; !errors.Is(err, want) {
		t.Errorf("Wait returned %v, want %v", err, want)
	}
}

func TestWait_CancelLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limited(1, 1)
		l := acquire(t, p.Get("a0"))
		gone := make(chan struct{})
		first := queued(p, in(time.Hour), gone)
		second := queued(p, in(time.Hour), nil)
		close(gone)
		wantWait(t, "first", first, context.Canceled)
		if n := p.QueueLength(); n != 1 {
			t.Errorf("queue length %d", n)
		}
		l.Release(ok)
		wantWait(t, "second", second, nil)
	})
}

func TestWait_TurnOfOneThatLeftIsHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limited(1, 1)
		acquire(t, p.Get("a0"))
		q := &p.queue
		w, err := q.join(in(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		second := queued(p, in(2*time.Hour), nil)
		q.mu.Lock()
		q.wakeLocked(1) // its turn comes …
		q.mu.Unlock()
		if err := q.leave(w, context.Canceled); !errors.Is(err, context.Canceled) { // … as its client leaves
			t.Error(err)
		}
		wantWait(t, "second", second, nil)

		w, _ = q.join(in(time.Hour))
		q.mu.Lock()
		q.wakeLocked(1)
		q.mu.Unlock()
		if err := q.leave(w, ErrQueueTimeout); err != nil {
			t.Errorf("its turn came with the timeout, and it got %v", err)
		}
	})
}

func TestWait_UnusedTurnCostsATick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limited(1, 1)
		l := acquire(t, p.Get("a0"))
		first := queued(p, in(time.Hour), nil)
		second := queued(p, in(time.Hour), nil)
		start := time.Now()
		l.Release(ok)
		wantWait(t, "first", first, nil) // and does nothing with it
		wantWaitIn(t, second, nil)
		if d := time.Since(start); d > queueTick {
			t.Errorf("the second waited for %s", d)
		}
	})
}

func TestWait_ExpectedWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New("p", settings(), nil)
		p.SetExpecting(true)
		first := queued(p, in(time.Hour), nil)
		second := queued(p, in(time.Hour), nil)
		add(t, p, worker(1, 1, Starting))
		time.Sleep(time.Second)
		wantStill(t, "starting", first)
		p.SetHealth("p-1.1", true, nil)
		wantWait(t, "healthy, first", first, nil)
		wantWait(t, "healthy, second", second, nil)

		p.SetHealth("p-1.1", false, nil)
		third := queued(p, in(time.Hour), nil)
		p.SetExpecting(false)
		wantWait(t, "nobody comes any more", third, ErrNoUpstream)
	})
}

// A supervisor removes its last worker first and says a moment later that
// another one comes. Nobody is sent away in between.
func TestWait_LastWorkerLeavesBeforeItsSuccessorIsExpected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := settings()
		cfg.Queue.MaxInFlightPerWorker = 1
		p := New("p", cfg, nil)
		acquire(t, add(t, p, worker(1, 1, Healthy)))
		first := queued(p, in(time.Hour), nil)
		p.Remove("p-1.1")
		second := queued(p, in(time.Hour), nil)
		wantStill(t, "first", first)
		wantStill(t, "second", second)
		p.SetExpecting(true)
		time.Sleep(time.Minute)
		wantStill(t, "first, with hope", first)
		add(t, p, worker(1, 2, Healthy))
		wantWait(t, "first", first, nil)
		wantWaitIn(t, second, nil)

		p.SetExpecting(false)
		p.Remove("p-1.2")
		start := time.Now()
		if err := p.Wait(in(time.Hour), nil); !errors.Is(err, ErrNoUpstream) || time.Since(start) > 2*queueTick {
			t.Errorf("without a word: %v after %s", err, time.Since(start))
		}
		if err := p.Wait(in(time.Hour), nil); !errors.Is(err, ErrNoUpstream) || time.Since(start) > 2*queueTick {
			t.Errorf("later: %v after %s", err, time.Since(start))
		}
	})
}

func TestWait_NewcomerTakesItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limited(1, 2)
		u := p.Get("a0")
		acquire(t, u)
		acquire(t, u)
		var all []<-chan error
		for range 5 {
			all = append(all, queued(p, in(time.Hour), nil))
		}
		// The five do not use their turns here, so look before the tick does.
		add(t, p, worker(1, 1, Healthy))
		synctest.Wait()
		woken := 0
		for _, c := range all {
			woken += len(c)
		}
		if woken != 2 {
			t.Errorf("%d were woken for 2 places", woken)
		}
		for _, c := range all {
			wantWaitIn(t, c, nil)
		}
	})
}

func TestWait_RaisedLimitWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limited(1, 1)
		acquire(t, p.Get("a0"))
		first := queued(p, in(time.Hour), nil)
		cfg := *p.Config()
		cfg.Queue.MaxInFlightPerWorker = 0
		p.Reconfigure(&cfg)
		wantWait(t, "first", first, nil)
	})
}

func TestWait_BreakersThatOpenMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := settings("a")
		cfg.Queue.MaxInFlightPerWorker = 20
		cfg.Outlier.Enabled = false
		p := New("p", cfg, nil)
		u := p.Get("a")
		var out []Lease
		for range 20 {
			out = append(out, acquire(t, u))
		}
		var waits []<-chan error
		for range 25 {
			waits = append(waits, queued(p, in(time.Hour), nil))
		}
		for i := range out {
			out[i].Release(bad)
		}
		synctest.Wait()
		for _, c := range waits[:19] { // one for each place that was free before the breaker opened
			wantWait(t, "woken", c, nil)
		}
		for _, c := range waits[19:] {
			wantWait(t, "the rest", c, ErrBreakerOpen)
		}
	})
}

func BenchmarkWait_FullQueueOfSaturated(b *testing.B) {
	p := New("p", &config.Pool{Queue: config.Queue{MaxInFlightPerWorker: 1, Length: 0}}, nil)
	for i := range 1000 {
		acquire(b, add(b, p, worker(i+1, 1, Healthy)))
	}
	for b.Loop() {
		_ = p.Wait(in(time.Hour), nil)
	}
}

func TestFull_WhileThereIsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limited(1, 1)
		resize(p, 2)
		f := func(what string, want bool) {
			t.Helper()
			if got := p.Full(); got != want {
				t.Errorf("%s: %v", what, got)
			}
		}
		f("idle", false)
		l := acquire(t, p.Get("a0"))
		f("saturated", false)
		leave := make(chan struct{})
		first := queued(p, in(time.Hour), leave)
		f("one waits", false)
		second := queued(p, in(time.Hour), nil)
		f("two wait", true)
		close(leave)
		wantWait(t, "first", first, context.Canceled)
		f("one has left", false)
		leave = make(chan struct{})
		first = queued(p, in(time.Hour), leave)
		f("two again", true)
		l.Release(ok)
		synctest.Wait()
		f("one is served", false)
		wantWait(t, "second", second, nil)
		wantStill(t, "first", first)
		acquire(t, p.Get("a0"))
		resize(p, 1)
		f("there is one place, and it is taken", true)
		close(leave)
		wantWait(t, "first", first, context.Canceled)
	})
}

func TestPool_QueueWaitIsThatOfTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limited(1, 1)
		f := func(what string, want time.Duration) {
			t.Helper()
			synctest.Wait()
			if got := p.QueueWait(time.Now()); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		f("nobody waits", 0)
		lease, err := p.All()[0].Acquire()
		if err != nil {
			t.Fatal(err)
		}
		first := queued(p, in(3*time.Second), nil)
		time.Sleep(time.Second)
		second := queued(p, in(5*time.Second), nil)
		f("the first came a second ago", time.Second)
		time.Sleep(2 * time.Second)
		wantWait(t, "first", first, ErrQueueTimeout)
		f("the first has left", 2*time.Second)
		lease.Release(Outcome{})
		wantWait(t, "second", second, nil)
		f("nobody waits any more", 0)
	})
}

func TestPool_ClockLetsAveragesForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limited(1, 0)
		u := p.All()[0]
		lease, err := u.Acquire()
		if err != nil {
			t.Fatal(err)
		}
		lease.Release(Outcome{Result: Success, Latency: time.Second})
		if got := u.LatencyAt(p.Clock(time.Now())); got != time.Second {
			t.Errorf("now it is %s", got)
		}
		time.Sleep(7 * time.Second)
		if got := u.LatencyAt(p.Clock(time.Now())); got != time.Second/4 {
			t.Errorf("after two averaging times it is %s", got)
		}
	})
}
