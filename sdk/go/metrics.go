package drover

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// pushInterval is how often numbers that have changed are handed in.
const pushInterval = time.Second

// Metrics are numbers that show up in drover's /metrics, with the label worker.
// They are handed in about once a second when they have changed.
type Metrics struct {
	c *Client

	mu       sync.Mutex
	families []*family
	armed    bool // a push is due
}

// Counter is a number that only grows.
type Counter struct{ f *family }

// Gauge is a number that goes up and down.
type Gauge struct{ f *family }

// Histogram counts values by buckets.
type Histogram struct{ f *family }

// family is all samples of one name, as it goes over the wire.
type family struct {
	m      *Metrics
	labels []string
	byKey  map[string]*sample

	Name    string    `json:"name"`
	Type    string    `json:"type"`
	Help    string    `json:"help,omitempty"`
	Buckets []float64 `json:"buckets,omitempty"`
	Samples []*sample `json:"samples"`
}

type sample struct {
	Labels map[string]string `json:"labels"`
	Value  *float64          `json:"value,omitempty"`
	Counts []uint64          `json:"counts,omitempty"`
	Sum    *float64          `json:"sum,omitempty"`
}

func newMetrics(c *Client) *Metrics { return &Metrics{c: c} }

// Metrics returns the numbers of this worker.
func (c *Client) Metrics() *Metrics { return c.metrics }

// Counter returns the counter of a name, with the names of its labels. It panics
// where the name is taken by another kind of number or with other labels, as the
// methods of all three kinds do when they get too many or too few values of labels.
func (m *Metrics) Counter(name, help string, labels ...string) Counter {
	return Counter{m.family(family{Name: name, Type: "counter", Help: help, labels: labels})}
}

// Gauge returns the gauge of a name. See Counter.
func (m *Metrics) Gauge(name, help string, labels ...string) Gauge {
	return Gauge{m.family(family{Name: name, Type: "gauge", Help: help, labels: labels})}
}

// Histogram returns the histogram of a name; buckets are their upper bounds, in order. See Counter.
func (m *Metrics) Histogram(name, help string, buckets []float64, labels ...string) Histogram {
	return Histogram{m.family(family{Name: name, Type: "histogram", Help: help, Buckets: buckets, labels: labels})}
}

// Inc adds 1.
func (c Counter) Inc(labels ...string) { c.Add(1, labels...) }

// Add adds a number that is not negative.
func (c Counter) Add(v float64, labels ...string) {
	if v < 0 || !finite(v) {
		panic(fmt.Sprintf("drover: %v is added to the counter %s", v, c.f.Name))
	}
	c.f.change(labels, func(s *sample) { *s.Value += v })
}

// Set sets the number. One that is not finite is left out.
func (g Gauge) Set(v float64, labels ...string) {
	if finite(v) {
		g.f.change(labels, func(s *sample) { *s.Value = v })
	}
}

// Add adds to the number, or takes from it.
func (g Gauge) Add(v float64, labels ...string) {
	g.f.change(labels, func(s *sample) {
		if sum := *s.Value + v; finite(sum) {
			*s.Value = sum
		}
	})
}

// Observe counts a value. One that is not finite is left out.
func (h Histogram) Observe(v float64, labels ...string) {
	if !finite(v) {
		return
	}
	h.f.change(labels, func(s *sample) {
		at, _ := slices.BinarySearch(h.f.Buckets, v) // the first whose bound is not below v
		s.Counts[at]++
		*s.Sum += v
	})
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (m *Metrics) family(f family) *family {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, have := range m.families {
		if have.Name != f.Name {
			continue
		}
		if have.Type != f.Type || !slices.Equal(have.labels, f.labels) || !slices.Equal(have.Buckets, f.Buckets) {
			panic("drover: the number " + f.Name + " is there already and of another kind")
		}
		return have
	}
	f.m, f.byKey = m, make(map[string]*sample)
	m.families = append(m.families, &f)
	return &f
}

func (f *family) change(labels []string, apply func(*sample)) {
	if len(labels) != len(f.labels) {
		panic(fmt.Sprintf("drover: the number %s has the labels %q, not %d", f.Name, f.labels, len(labels)))
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	key := strings.Join(labels, "\x00")
	s := f.byKey[key]
	if s == nil {
		s = f.sample(labels)
		f.byKey[key] = s
	}
	apply(s)
	if !f.m.armed {
		f.m.armed = true
		time.AfterFunc(pushInterval, f.m.push)
	}
}

func (f *family) sample(labels []string) *sample {
	s := &sample{Labels: make(map[string]string, len(labels))}
	for i, name := range f.labels {
		s.Labels[name] = labels[i]
	}
	if f.Type == "histogram" {
		s.Counts, s.Sum = make([]uint64, len(f.Buckets)+1), new(float64)
	} else {
		s.Value = new(float64)
	}
	return s
}

// push hands in all numbers if any has changed since the last time.
func (m *Metrics) push() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.armed {
		return
	}
	m.armed = false
	var list []*family
	for _, f := range m.families {
		if len(f.byKey) == 0 {
			continue
		}
		f.Samples = f.Samples[:0]
		for _, key := range slices.Sorted(maps.Keys(f.byKey)) {
			f.Samples = append(f.Samples, f.byKey[key])
		}
		list = append(list, f)
	}
	raw, err := encode(list)
	if err != nil {
		return // cannot happen: names and finite numbers
	}
	_ = m.c.put(newLine("metrics").json("metrics", raw).end()) // closed: nobody asks any more
}
