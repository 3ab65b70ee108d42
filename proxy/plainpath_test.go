//go:build !race

package proxy

import "testing"

// Not under the race detector, where sync.Pool drops objects at random.

// With log, metrics, breaker, retry and request ids on, a request on the plain
// path costs the breaker's two allocations and none of ours.
func TestPlainPath_Allocations(t *testing.T) {
	once := plainPath(t, plainRig(t))
	for range 200 {
		once()
	}
	if n := testing.AllocsPerRun(2000, once); n > 2 {
		t.Errorf("%v allocations per request, want at most 2", n)
	}
}
