package pool

import (
	"reflect"
	"testing"

	"github.com/drover-proxy/drover/config"
)

func TestMarks_GoOverToAnotherPool(t *testing.T) {
	with := func(weights map[string]int) *Pool {
		cfg := settings()
		for _, name := range []string{"a", "b", "c", "d"} {
			if w, ok := weights[name]; ok {
				cfg.Upstreams = append(cfg.Upstreams, config.Upstream{Name: name, Address: "127.0.0.1:1", Weight: w})
			}
		}
		return New("p", cfg, nil)
	}
	old := with(map[string]int{"a": 1, "b": 1, "c": 1, "d": 1})
	add(t, old, Spec{ID: "p-1.1", Address: "127.0.0.1:2", Spawned: true, State: Healthy})
	old.SetDrained("a", true)
	old.SetWeight("a", 7)
	old.SetMaintenance("b", true)
	old.SetWeight("c", 5)
	old.SetDrained("p-1.1", true) // a worker, which ends with this drover
	marks := old.Marks()
	want := []Mark{{ID: "a", Drained: true, Weight: 7, Configured: 1}, {ID: "b", Maintenance: true, Weight: 1, Configured: 1}, {ID: "c", Weight: 5, Configured: 1}}
	if !reflect.DeepEqual(marks, want) {
		t.Errorf("%+v, want %+v", marks, want)
	}
	next := with(map[string]int{"a": 1, "c": 2, "d": 1}) // b is gone, c has another weight
	next.SetMarks(marks)
	if a, c, d := next.Get("a"), next.Get("c"), next.Get("d"); !a.Drained() || a.Weight() != 7 || c.Weight() != 2 || c.Drained() || d.Weight() != 1 || d.Drained() {
		t.Errorf("a: %v %d, c: %v %d, d: %v %d", a.Drained(), a.Weight(), c.Drained(), c.Weight(), d.Drained(), d.Weight())
	}
	if got := ids(next.Snapshot().Upstreams); got != "c d" {
		t.Errorf("%s get requests", got)
	}
}
