package proxy

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

type jobFunc func()

func (f jobFunc) run() { f() }

// Jobs run at once and beside each other; goroutines are used again, kept up to a
// number, and gone after dismiss.
func TestCrew_LendsItsGoroutinesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w crew
		idle := func(want int) {
			t.Helper()
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.idle) != want {
				t.Errorf("%d goroutines are idle, want %d", len(w.idle), want)
			}
		}
		var done atomic.Int32
		together := func(n int) {
			gate := make(chan struct{})
			for range n {
				w.do(jobFunc(func() { <-gate; done.Add(1) }))
			}
			synctest.Wait() // all of them wait: none has to wait for another
			close(gate)
		}
		together(3)
		idle(3)
		together(2)
		idle(3)
		together(crewSize + 10)
		idle(crewSize)
		w.dismiss()
		idle(0)
		w.do(jobFunc(func() { done.Add(1) }))
		idle(0)
		if n := done.Load(); n != 3+2+crewSize+10+1 {
			t.Errorf("%d jobs were done", n)
		}
	})
}
