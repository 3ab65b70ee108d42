package metrics

import "github.com/prometheus/client_golang/prometheus"

// sums adds up rows that have the same labels; a scrape that named a series
// twice would fail.
type sums map[labelKey]float64

// labelKey is up to three label values; n says how many.
type labelKey struct {
	values [3]string
	n      int
}

func (s sums) add(v float64, labels ...string) { s[keyOf(labels)] += v }

func (s sums) max(v float64, labels ...string) {
	k := keyOf(labels)
	s[k] = max(s[k], v)
}

func (s sums) send(ch chan<- prometheus.Metric, d *prometheus.Desc, of func(*prometheus.Desc, float64, ...string) prometheus.Metric) {
	for k, v := range s {
		ch <- of(d, v, k.values[:k.n]...)
	}
}

func keyOf(labels []string) (k labelKey) {
	k.n = copy(k.values[:], labels)
	return k
}

// growth turns counts that begin anew with each generation of a worker into
// one that only grows.
type growth struct {
	last  map[[3]string]float64 // by pool, label and id, as seen last
	now   map[[3]string]float64 // those seen in this scrape
	total map[[2]string]float64
}

func newGrowth() growth {
	return growth{last: map[[3]string]float64{}, now: map[[3]string]float64{}, total: map[[2]string]float64{}}
}

func (g *growth) see(pool, label, id string, v float64) {
	k := [3]string{pool, label, id}
	grown := v - g.last[k]
	if grown < 0 { // began anew under the same id
		grown = v
	}
	g.now[k] = v
	g.total[[2]string{pool, label}] += grown
}

// send exposes the totals of labels seen in this scrape, with more labels where
// the metric has them, and forgets ids that are gone.
func (g *growth) send(ch chan<- prometheus.Metric, d *prometheus.Desc, more ...string) {
	sent := map[[2]string]bool{}
	for k := range g.now {
		if l := [2]string{k[0], k[1]}; !sent[l] {
			sent[l] = true
			ch <- count(d, g.total[l], append([]string{k[0], k[1]}, more...)...)
		}
	}
	g.last, g.now = g.now, map[[3]string]float64{}
}
