package monitor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// membersEvery is how often the members of an old tree are asked for and their
	// counters read, the dear parts of a sample. A young tree, which may still be
	// starting its processes, is asked whenever half its age has passed.
	membersEvery = 5 * time.Second
	// limitedEvery is how often the memory of a target with a limit is read at least.
	limitedEvery = time.Second
	// nearEvery is the same when more than nearLimit of it is used: a program that
	// takes 64 MB a second has to be met before it is far beyond.
	nearEvery = 250 * time.Millisecond
	nearLimit = 0.8
)

// Target is a process tree to be measured.
type Target struct {
	ID          string       // not used again for another tree
	PIDs        func() []int // its live members
	Group       string       // of its siblings, which do the same work: its pool
	MemoryLimit uint64       // bytes that it may use; 0: no limit. Near it memory is read more often
	MemoryAlarm uint64       // bytes from which on it matters how much it uses, so that it is found exactly
	// Charged tells what the kernel counts against the limit, where it keeps it;
	// nil, or false: drover has to find out.
	Charged    func() (uint64, bool)
	Requests   uint64 // that it has served so far
	WatchLeaks bool   // Sampler.Leaks judges it
}

// Sampler measures targets and the host again and again. Its methods may be
// called concurrently.
type Sampler struct {
	// OnSample, when set before Run, is called by Run's goroutine with each
	// sample of a target, also with those of which only the memory is new. It
	// must not block.
	OnSample func(id string, s Sample)
	// Leaks, when set before Run, judges the targets that want it.
	Leaks *LeakWatch

	targets   func() []Target
	read      reader
	count     counterReader
	footprint footprintReader
	host      *hostReader
	changed   chan struct{}

	interval atomic.Int64

	mu     sync.Mutex
	trees  map[string]*followed
	latest HostSample
}

// followed is a target that is being measured.
type followed struct {
	tree    tree
	limit   uint64
	charge  charge
	first   time.Time // when it was first seen
	listed  time.Time // when its members were asked for
	weighed time.Time // when its memory was read

	footprints footprints
}

// NewSampler returns a sampler that measures what targets returns, each interval.
func NewSampler(interval time.Duration, targets func() []Target) *Sampler {
	m := &Sampler{
		targets: targets, read: readUsage, count: readCounters, footprint: readFootprint, host: newHostReader(),
		changed: make(chan struct{}, 1), trees: make(map[string]*followed),
	}
	m.interval.Store(int64(interval))
	return m
}

// SetInterval changes the time between samples at once.
func (m *Sampler) SetInterval(d time.Duration) {
	m.interval.Store(int64(d))
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// Run measures until ctx is done. The error is always nil.
func (m *Sampler) Run(ctx context.Context) error {
	var next time.Time // full sample
	for {
		if now := time.Now(); !now.Before(next) {
			m.sample(now)
			next = now.Add(max(time.Duration(m.interval.Load()), 10*time.Millisecond))
		} else {
			m.weigh(now)
		}
		timer := time.NewTimer(min(time.Until(next), m.untilWeighing(time.Now())))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-m.changed:
			timer.Stop()
			next = time.Time{}
		case <-timer.C:
		}
	}
}

// Latest returns the newest sample of a target; false when there is none.
func (m *Sampler) Latest(id string) (Sample, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.trees[id]
	if !ok || f.tree.last.At.IsZero() {
		return Sample{}, false
	}
	return f.tree.last, true
}

// Footprint returns the memory of a target in detail, measured when asked but at
// most once a minute; false where it cannot be. It may take some milliseconds.
func (m *Sampler) Footprint(id string) (Footprint, bool) {
	m.mu.Lock()
	f, ok := m.trees[id]
	var pids []int
	if ok {
		pids = f.tree.pids()
	}
	m.mu.Unlock()
	if !ok {
		return Footprint{}, false
	}
	return f.footprints.get(time.Now(), pids, m.footprint)
}

// Host returns the newest sample of the machine.
func (m *Sampler) Host() HostSample {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.latest
}

// sample measures everything once.
func (m *Sampler) sample(now time.Time) {
	targets := m.targets()
	lists := m.list(now, targets)
	round := make([]measured, 0, len(targets))
	host := m.host.read(now)

	m.mu.Lock()
	m.latest = host
	trees := make(map[string]*followed, len(targets))
	for i, t := range targets {
		f := m.trees[t.ID]
		if f == nil {
			f = &followed{first: now}
		}
		f.limit, f.weighed = t.MemoryLimit, now
		f.charge.alarm, f.charge.limit, f.charge.kernel = t.MemoryAlarm, t.MemoryLimit, t.Charged
		trees[t.ID] = f
		if lists[i] != nil {
			f.listed = now
			f.tree.measure(now, lists[i], m.read)
			f.tree.count(m.count)
		} else {
			// Of an old list some numbers may be those of strangers by now.
			f.tree.measure(now, f.tree.pids(), m.read)
		}
		f.charge.find(now, &f.tree, m.footprint)
		round = append(round, measured{t, f.tree.last})
	}
	m.trees = trees // the others are gone
	m.mu.Unlock()

	if m.OnSample != nil {
		for _, r := range round {
			m.OnSample(r.target.ID, r.sample)
		}
	}
	if m.Leaks != nil {
		m.Leaks.observe(round, host)
	}
}

// list asks for the members of the targets whose turn it is; the others' lists
// are nil. All are asked at once, so that they can share one look at the
// process table.
func (m *Sampler) list(now time.Time, targets []Target) [][]int {
	lists := make([][]int, len(targets))
	var asking sync.WaitGroup
	for i, t := range targets {
		m.mu.Lock()
		f := m.trees[t.ID]
		due := f == nil || f.near() || now.Sub(f.listed) >= min(membersEvery, now.Sub(f.first)/2)
		m.mu.Unlock()
		if due {
			asking.Go(func() { lists[i] = append([]int{}, t.PIDs()...) })
		}
	}
	asking.Wait()
	return lists
}

// near reports whether a target uses most of what it may.
func (f *followed) near() bool {
	return f.limit > 0 && float64(f.tree.last.Charged) >= nearLimit*float64(f.limit)
}

// due is when the memory of a target has to be read again; zero for one without a limit.
func (f *followed) due() time.Time {
	switch {
	case f.limit == 0:
		return time.Time{}
	case f.near():
		return f.weighed.Add(nearEvery)
	}
	return f.weighed.Add(limitedEvery)
}

// weigh reads the memory of those targets whose turn it is.
func (m *Sampler) weigh(now time.Time) {
	var round []measured
	m.mu.Lock()
	for id, f := range m.trees {
		if due := f.due(); !due.IsZero() && !now.Before(due) {
			f.weighed = now
			f.tree.weigh(m.read)
			f.charge.find(now, &f.tree, m.footprint)
			round = append(round, measured{Target{ID: id}, f.tree.last})
		}
	}
	m.mu.Unlock()
	if m.OnSample != nil {
		for _, r := range round {
			m.OnSample(r.target.ID, r.sample)
		}
	}
}

// untilWeighing is how long no target's memory has to be read.
func (m *Sampler) untilWeighing(now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := time.Hour // as long as the interval may be
	for _, f := range m.trees {
		if due := f.due(); !due.IsZero() {
			wait = min(wait, due.Sub(now))
		}
	}
	return wait
}
