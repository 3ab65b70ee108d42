package metrics

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// kind is the type of a worker's metric.
type kind string

const (
	counterKind   kind = "counter"
	gaugeKind     kind = "gauge"
	histogramKind kind = "histogram"
)

// names are those that the lines of a metric have in either format; no two
// metrics may share one, since a scrape would fail as a whole.
func (k kind) names(name string) []string {
	switch k {
	case counterKind:
		base := strings.TrimSuffix(name, "_total")
		return []string{base, base + "_total"}
	case histogramKind:
		return []string{name, name + "_bucket", name + "_count", name + "_sum"}
	}
	return []string{name}
}

// family is all series of one name.
type family struct {
	name, help string
	kind       kind
	series     map[string]*series
}

// alive reports whether a worker that is there has something of the family.
func (f *family) alive() bool {
	for _, s := range f.series {
		if len(s.live) > 0 {
			return true
		}
	}
	return false
}

type label struct{ name, value string }

// seriesKey names a series of a family. Label values have no such byte: they
// are UTF-8.
func seriesKey(slot string, labels []label) string {
	key := slot
	for _, l := range labels {
		key += "\xff" + l.name + "\xff" + l.value
	}
	return key
}

// total is what was counted: a value, or the values in each bucket (not added
// up) and their sum.
type total struct {
	value   float64
	buckets []float64 // upper bounds, without the last
	counts  []uint64
}

// observations is how many values were counted.
func (t total) observations() (n uint64) {
	for _, c := range t.counts {
		n += c
	}
	return n
}

// before reports whether a worker that had u can only have t after it began anew.
func (t total) before(u total) bool {
	if len(u.counts) > 0 {
		return t.observations() < u.observations()
	}
	return t.value < u.value
}

// plus adds two totals of the same buckets. With other buckets what was counted
// before cannot be kept.
func (t total) plus(u total) total {
	switch {
	case u.counts == nil:
		return total{value: t.value + u.value}
	case !slices.Equal(t.buckets, u.buckets):
		return u
	}
	sum := total{value: t.value + u.value, buckets: u.buckets, counts: slices.Clone(u.counts)}
	for i, n := range t.counts {
		sum.counts[i] += n
	}
	return sum
}

// series is one set of labels of one slot.
type series struct {
	family *family
	key    string
	names  []string // of the labels
	values []string
	base   total            // of generations that are gone
	live   map[string]total // by worker
	desc   *prometheus.Desc
	help   string // that desc has
}

func newSeries(f *family, slot string, labels []label) *series {
	s := &series{family: f, key: seriesKey(slot, labels), live: map[string]total{}}
	for _, l := range labels {
		s.names, s.values = append(s.names, l.name), append(s.values, l.value)
	}
	s.names, s.values = append(s.names, "worker"), append(s.values, slot)
	return s
}

// see takes a worker's present total.
func (s *series) see(worker string, t total) {
	if last, ok := s.live[worker]; ok && s.family.kind != gaugeKind && t.before(last) {
		s.base = s.base.plus(last)
	}
	s.live[worker] = t
}

// end keeps what a worker counted.
func (s *series) end(worker string) {
	if s.family.kind != gaugeKind {
		s.base = s.base.plus(s.live[worker])
	}
	delete(s.live, worker)
}

// byGeneration puts the workers of a slot into the order in which they began.
func byGeneration(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func (s *series) metric() prometheus.Metric {
	if s.desc == nil || s.help != s.family.help {
		s.help = s.family.help
		s.desc = prometheus.NewDesc(s.family.name, s.help, s.names, nil)
	}
	sum := s.base
	for _, worker := range slices.SortedFunc(maps.Keys(s.live), byGeneration) { // for buckets that differ
		sum = sum.plus(s.live[worker])
	}
	switch s.family.kind {
	case gaugeKind:
		return gauge(s.desc, sum.value, s.values...)
	case counterKind:
		return count(s.desc, sum.value, s.values...)
	}
	cumulative, n := make(map[float64]uint64, len(sum.buckets)), uint64(0)
	for i, bound := range sum.buckets {
		n += sum.counts[i]
		cumulative[bound] = n
	}
	return prometheus.MustNewConstHistogram(s.desc, sum.observations(), sum.value, cumulative, s.values...)
}
