package supervisor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/process"
)

func TestLimits_ThatDoNotHoldAreToldOfOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, nil), nil)
		f.settle(time.Second)
		w := &worker{id: "app-1.1", settings: &settings{}}
		limits := []Limit{
			{Name: "maxOpenFiles", Value: 100, Level: process.LevelKernel},
			{Name: "maxMemoryPerWorker", Value: uint64(64 << 20), Level: process.LevelSampled, Why: "no control groups"},
		}
		f.s.noteLimitsLocked(w, limits)
		f.s.noteLimitsLocked(w, limits)
		if n := f.happened(event.LimitWeaker); n != 1 {
			t.Fatalf("told %d times", n)
		}
		for _, e := range f.bus.Recent() {
			if e.Kind != event.LimitWeaker {
				continue
			}
			if _, taken := e.Attrs["level"]; taken || e.Attrs["limit"] != "maxMemoryPerWorker" || e.Attrs["kept"] != string(process.LevelSampled) {
				t.Errorf("attributes %v", e.Attrs)
			}
			if want := "pool app: maxMemoryPerWorker: 64MB is kept at level sampled: no control groups"; e.Message != want {
				t.Errorf("it says %q, want %q", e.Message, want)
			}
		}
	})
}
