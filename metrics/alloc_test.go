//go:build !race

package metrics

import (
	"testing"
	"time"
)

// Not under the race detector, where sync.Pool throws items away on purpose.
func TestRequest_ObserveAllocatesNothing(t *testing.T) {
	m := New(BuildInfo{})
	r, u, c := m.Request("web", "app"), m.Upstream("app", "app-1"), m.Connection("web", "http")
	method := []byte("GET")
	one := func() {
		r.Observe(MethodName(method), 200, time.Millisecond, 1, 1)
		u.Observe(200, time.Millisecond)
		c.Open()
		c.Close()
	}
	one()
	if n := testing.AllocsPerRun(1000, one); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
