package strategy

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/drover-proxy/drover/pool"
)

func TestTables_FirstPicksShareOne(t *testing.T) {
	const picks = 8
	var built atomic.Int64
	started := make(chan struct{})
	inBuild := make(chan struct{})
	tables := tables[int]{build: func(*pool.Snapshot, *int) *int {
		if built.Add(1) == 1 {
			close(inBuild)
			<-started
		}
		return new(int)
	}}
	snap := newPool(t, equal(3)...).Snapshot()
	values := make([]*int, picks)
	var wg sync.WaitGroup
	pick := func(i int) { wg.Go(func() { values[i] = tables.of(snap) }) }
	pick(0)
	<-inBuild
	for i := 1; i < picks; i++ {
		pick(i)
	}
	for range 1000 {
		runtime.Gosched() // the others begin while the first is not done
	}
	close(started)
	wg.Wait()
	for i, v := range values {
		if v != values[0] {
			t.Errorf("pick %d has tables of its own", i)
		}
	}
	if n := built.Load(); n != 1 {
		t.Errorf("built %d times", n)
	}
}
