package ipc

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadlines_EndEachAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d deadlines
		began := time.Now()
		var mu sync.Mutex
		var ended []time.Duration
		add := func(after time.Duration) *deadline {
			x := new(deadline)
			d.add(x, began.Add(after), func() {
				mu.Lock()
				defer mu.Unlock()
				ended = append(ended, time.Since(began))
			})
			return x
		}
		add(5 * time.Second)
		dropped := add(2 * time.Second)
		add(time.Second)
		add(3 * time.Second)
		late := add(time.Hour)
		d.drop(dropped)
		d.drop(dropped) // again does no harm
		d.drop(new(deadline))
		time.Sleep(4 * time.Second)
		add(4500 * time.Millisecond) // before the one that the timer is set to
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		want := []time.Duration{time.Second, 3 * time.Second, 4500 * time.Millisecond, 5 * time.Second}
		if !slices.Equal(ended, want) {
			t.Errorf("ended after %v; want %v", ended, want)
		}
		d.drop(late)
		d.mu.Lock()
		if len(d.open) != 0 {
			t.Errorf("%d are left", len(d.open))
		}
		d.mu.Unlock()
		d.stop()
	})
}

func TestDeadlines_TheTimerIsLeftAloneByWhatIsDoneInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d deadlines
		for range 1000 {
			x := new(deadline)
			d.add(x, time.Now().Add(5*time.Second), func() { t.Error("it was done in time") })
			if rings := time.Until(d.next()); rings <= 0 || rings > 5*time.Second {
				t.Fatalf("the timer rings in %v", rings)
			}
			time.Sleep(10 * time.Millisecond)
			synctest.Wait() // until it has rung, if this is when it does
			before := d.next()
			d.drop(x)
			if d.next() != before {
				t.Fatal("the timer was set anew")
			}
		}
		d.stop()
	})
}

// next is when the timer rings.
func (d *deadlines) next() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rings
}
