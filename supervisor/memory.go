package supervisor

import (
	"fmt"
	"slices"
	"time"

	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/process"
)

// hintEvery is the least time between two requests to collect garbage: a
// collection of a large heap takes a noticeable time itself.
const hintEvery = 30 * time.Second

// calm is how far below the warning threshold a worker must come, as a share of
// it, before it is told of again.
const calm = 0.95

// NoteMemory takes what a worker uses of its limit, as it was measured
// (monitor.Sample.Charged). It reports whether the worker is one of this pool.
func (s *Supervisor) NoteMemory(id string, bytes uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, w, err := s.findLocked(id)
	if err != nil {
		return false
	}
	w.memory = bytes
	if w.memoryLimit() > 0 && bytes >= s.alarm(w) {
		s.wake()
	}
	return true
}

// alarm is from how many bytes on something is done about a worker's memory.
func (s *Supervisor) alarm(w *worker) uint64 {
	mm := s.cfg.Resources.MemoryManagement
	return uint64(min(mm.MemoryWarningThreshold.Ratio(), mm.MemoryCriticalThreshold.Ratio(), 1) * float64(w.memoryLimit()))
}

// memoryLimit is what the worker may use, 0 for no limit. It is the one that it
// was started with: what its runtime was told belongs to it.
func (w *worker) memoryLimit() uint64 {
	if w.settings == nil {
		return 0
	}
	return uint64(w.settings.cfg.Resources.MaxMemoryPerWorker)
}

// memoryLocked acts on what workers use: above the limit they are killed at once
// where the kernel does not see to it, above the warning threshold people are told, and they are asked to collect
// their garbage. Above the critical threshold they are recycled (wornLocked).
func (s *Supervisor) memoryLocked(now time.Time) {
	for _, sl := range s.slots {
		for _, w := range sl.workers() {
			limit := w.memoryLimit()
			if limit == 0 || w.memory == 0 || !w.live() || w.killed {
				continue
			}
			if w.memory >= limit && !w.heldByKernel() {
				s.overLimitLocked(sl, w, now)
			} else if w.running() && s.cfg.Resources.MemoryManagement.Enabled {
				s.warnLocked(w, now)
			}
		}
	}
}

// heldByKernel reports whether the kernel keeps the limit: it knows better than
// anybody who measures from outside what can be taken back, and ends what is above.
func (w *worker) heldByKernel() bool {
	return w.run != nil && slices.ContainsFunc(w.run.look().limits, func(l Limit) bool {
		return l.Name == limitMemory && l.Level == process.LevelKernel
	})
}

// overLimitLocked kills a worker that uses more than it may. One that leaves
// anyway keeps the reason for which it does.
func (s *Supervisor) overLimitLocked(sl *slot, w *worker, now time.Time) {
	w.message = fmt.Sprintf("it uses %s, and resources.maxMemoryPerWorker is %s", megabytes(w.memory), megabytes(w.memoryLimit()))
	if w.reason == "" || w.state == Starting {
		w.reason = ReasonOutOfMemory
	}
	s.publish(event.WorkerKilled, w.id, fmt.Sprintf("worker %s is killed: %s", w.id, w.message),
		map[string]any{"pid": w.pid(), "reason": string(ReasonOutOfMemory), "memory": w.memory})
	starting := w.state == Starting
	s.stepLocked(sl, w, inOverLimit, now)
	if starting {
		s.notReadyLocked(sl, w, now)
	}
}

// warnLocked tells of a worker above the warning threshold, once until it has
// come down, and asks it to collect its garbage.
func (s *Supervisor) warnLocked(w *worker, now time.Time) {
	mm := s.cfg.Resources.MemoryManagement
	share, threshold := w.memoryShare(), mm.MemoryWarningThreshold.Ratio()
	if share < calm*threshold {
		w.warned = false
	}
	if share < threshold {
		return
	}
	if !w.warned {
		w.warned = true
		s.publish(event.WorkerMemory, w.id, fmt.Sprintf("worker %s uses %s", w.id, w.memoryWords()), map[string]any{"memory": w.memory, "limit": w.memoryLimit()})
	}
	if mm.GarbageCollectionHint && now.Sub(w.hinted) >= hintEvery {
		w.hinted = now
		w.run.send(order{kind: orderCollect})
	}
}

// critical returns why a worker is to be recycled for its memory, "" when it is not.
func (s *Supervisor) critical(w *worker) string {
	mm := s.cfg.Resources.MemoryManagement
	if !mm.Enabled || w.memoryLimit() == 0 || w.memoryShare() < mm.MemoryCriticalThreshold.Ratio() {
		return ""
	}
	return fmt.Sprintf("it uses %s, and memoryCriticalThreshold is %s", w.memoryWords(), mm.MemoryCriticalThreshold)
}

func (w *worker) memoryShare() float64 { return float64(w.memory) / float64(w.memoryLimit()) }

func (w *worker) memoryWords() string {
	return fmt.Sprintf("%s, %.0f%% of resources.maxMemoryPerWorker", megabytes(w.memory), 100*w.memoryShare())
}

func megabytes(n uint64) string { return fmt.Sprintf("%.0f MB", float64(n)/(1<<20)) }
