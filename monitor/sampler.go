package monitor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// membersEvery is how often the members of an old tree are asked for; reading the
// process table is the dear part of a sample. A young tree, which may still be
// starting its processes, is asked whenever half its age has passed.
const membersEvery = 5 * time.Second

// Target is a process tree to be measured.
type Target struct {
	ID   string       // not used again for another tree
	PIDs func() []int // its live members
}

// Sampler measures targets and the host again and again. Its methods may be
// called concurrently.
type Sampler struct {
	// OnSample, when set before Run, is called by Run's goroutine with each
	// sample of a target. It must not block.
	OnSample func(id string, s Sample)

	targets func() []Target
	read    reader
	host    *hostReader
	changed chan struct{}

	interval atomic.Int64

	mu     sync.Mutex
	trees  map[string]*followed
	latest HostSample
}

// followed is a target that is being measured.
type followed struct {
	tree   tree
	pids   []int
	first  time.Time // when it was first seen
	listed time.Time // when the pids were asked for
}

// NewSampler returns a sampler that measures what targets returns, each interval.
func NewSampler(interval time.Duration, targets func() []Target) *Sampler {
	m := &Sampler{targets: targets, read: readUsage, host: newHostReader(), changed: make(chan struct{}, 1), trees: make(map[string]*followed)}
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
	for {
		m.sample(time.Now())
		timer := time.NewTimer(max(time.Duration(m.interval.Load()), 10*time.Millisecond))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-m.changed:
			timer.Stop()
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
	type result struct {
		id string
		s  Sample
	}
	results := make([]result, 0, len(targets))
	host := m.host.read(now)

	m.mu.Lock()
	m.latest = host
	trees := make(map[string]*followed, len(targets))
	for i, t := range targets {
		f := m.trees[t.ID]
		if f == nil {
			f = &followed{first: now}
		}
		if lists[i] != nil {
			f.pids, f.listed = lists[i], now
		}
		trees[t.ID] = f
		results = append(results, result{t.ID, f.tree.measure(now, f.pids, m.read)})
	}
	m.trees = trees // the others are gone
	m.mu.Unlock()

	if m.OnSample != nil {
		for _, r := range results {
			m.OnSample(r.id, r.s)
		}
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
		due := f == nil || now.Sub(f.listed) >= min(membersEvery, now.Sub(f.first)/2)
		m.mu.Unlock()
		if due {
			asking.Go(func() { lists[i] = append([]int{}, t.PIDs()...) })
		}
	}
	asking.Wait()
	return lists
}
