package supervisor

import (
	"fmt"
	"time"

	"github.com/drover-proxy/drover/config"
)

// leakMargin is how long before a leak reaches the limit its worker is replaced:
// time enough for all workers of a large pool, one after another, and late enough
// that a slow leak does not replace them again and again.
const leakMargin = time.Hour

// leaking returns that a worker's memory leaks and will soon reach its limit, in
// words; "" when not. A leak is slow, so that nobody is ever killed for one.
func (s *Supervisor) leaking(w *worker) string {
	if !watchesLeaks(s.cfg) || s.o.Leak == nil {
		return ""
	}
	v, ok := s.o.Leak(w.id)
	if !ok || !v.Leak || v.Limit == 0 || v.ToLimit >= leakMargin {
		return ""
	}
	return fmt.Sprintf("its memory leaks: it %s", v)
}

// watchesLeaks reports whether the settings want leaks to be found.
func watchesLeaks(cfg *config.Pool) bool {
	mm := cfg.Resources.MemoryManagement
	return mm.Enabled && mm.MemoryLeakDetection
}
