package monitor

import (
	"slices"
	"sync"
)

// LeakWatch follows the memory of targets and judges each at the end of each of
// its windows. A Sampler feeds it. Its methods may be called concurrently.
type LeakWatch struct {
	// OnLeak, when set before the sampler runs, is called with the first verdict
	// that says that a target leaks. It must not block.
	OnLeak func(t Target, v Verdict)

	detector LeakDetector

	mu      sync.Mutex
	watched map[string]*watchedTarget
}

type watchedTarget struct {
	group   string
	troughs troughs
	verdict Verdict
	judged  bool
	told    bool // OnLeak was called
}

// NewLeakWatch returns a watch that judges as d does.
func NewLeakWatch(d LeakDetector) *LeakWatch {
	return &LeakWatch{detector: d, watched: make(map[string]*watchedTarget)}
}

// Verdict returns the newest verdict on a target; false where it was not judged
// yet, is not watched, or is gone.
func (w *LeakWatch) Verdict(id string) (Verdict, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.watched[id]
	if t == nil || !t.judged {
		return Verdict{}, false
	}
	return t.verdict, true
}

// measured is a target and what was read of it.
type measured struct {
	target Target
	sample Sample
}

// observe takes one round of samples; targets that are not in it are forgotten.
func (w *LeakWatch) observe(round []measured, host HostSample) {
	var found []measured
	var verdicts []Verdict
	w.mu.Lock()
	watched := make(map[string]*watchedTarget, len(round))
	for _, m := range round {
		if !m.target.WatchLeaks {
			continue
		}
		t := w.watched[m.target.ID]
		if t == nil {
			t = &watchedTarget{group: m.target.Group, troughs: w.detector.troughs()}
		}
		watched[m.target.ID] = t
	}
	w.watched = watched
	for _, m := range round {
		t := watched[m.target.ID]
		// Without a process there is nothing to hold memory: it ends just now.
		if t == nil || m.sample.Processes == 0 || !t.troughs.add(Reading{At: m.sample.At, Bytes: m.sample.RSS, Requests: m.target.Requests}) {
			continue
		}
		t.verdict, t.judged = w.judgeLocked(t, m, host, len(round)), true
		if t.verdict.Leak && !t.told {
			t.told = true
			found, verdicts = append(found, m), append(verdicts, t.verdict)
		}
	}
	w.mu.Unlock()
	if w.OnLeak != nil {
		for i, m := range found {
			w.OnLeak(m.target, verdicts[i])
		}
	}
}

func (w *LeakWatch) judgeLocked(t *watchedTarget, m measured, host HostSample, targets int) Verdict {
	limit := m.target.MemoryLimit
	if spare := host.Spare(); limit == 0 && spare > 0 {
		// Without a limit of its own it grows into its share of what the machine, or the container, has left.
		limit = m.sample.RSS + spare/uint64(targets)
	}
	full := limit // in resident memory
	if limit > 0 {
		// What is left until the limit is less than resident memory says where pages
		// are shared, and more where the kernel counts something else.
		full = m.sample.RSS + grown(m.sample.Charged, limit)
	}
	v := w.detector.judge(t.troughs.low, full)
	v.Limit = limit
	var bytes []uint64
	for _, other := range w.watched {
		if other.group == t.group && m.sample.At.Sub(other.troughs.began) < m.sample.At.Sub(t.troughs.began)/2 && len(other.troughs.low) > 0 {
			bytes = append(bytes, other.troughs.low[len(other.troughs.low)-1].Bytes)
		}
	}
	if v.Younger = len(bytes); v.Younger > 0 {
		slices.Sort(bytes)
		v.YoungerBytes = bytes[len(bytes)/2]
	}
	return v
}
