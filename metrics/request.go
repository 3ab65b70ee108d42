package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Request counts the requests of one listener to one pool. It is looked up when
// the routing table is built; its methods may be called concurrently.
type Request struct {
	listener, pool string
	spread         *spread
	codes          [len(methods)]atomic.Pointer[byCode]
	duration       histogram
	in, out        counter
}

// Observe counts one request: its method (what is not registered counts as
// OTHER), the status that the client was sent (0: none), how long it took from
// its first byte to the last of the answer, and the bytes of both bodies. It
// takes no lock and allocates only for a pair of method and status not seen before.
func (r *Request) Observe(method string, code int, d time.Duration, in, out int64) {
	t := r.spread.take()
	of := &r.codes[methodIndex(method)]
	if of.Load() == nil {
		of.CompareAndSwap(nil, new(byCode))
	}
	of.Load().add(r.spread, t, code)
	r.duration.observe(t, d)
	if in > 0 {
		r.in[t.shard].n.Add(uint64(in))
	}
	if out > 0 {
		r.out[t.shard].n.Add(uint64(out))
	}
	r.spread.put(t)
}

// Upstream counts the exchanges with one upstream.
type Upstream struct {
	pool, label     string
	spread          *spread
	codes           byCode
	duration        histogram
	connectFailures atomic.Uint64
}

// Observe counts one exchange: the upstream's status (0: none came) and the time
// until its answer was complete.
func (u *Upstream) Observe(code int, d time.Duration) {
	t := u.spread.take()
	u.codes.add(u.spread, t, code)
	u.duration.observe(t, d)
	u.spread.put(t)
}

// ConnectFailure counts one connection that was not made.
func (u *Upstream) ConnectFailure() { u.connectFailures.Add(1) }

// Request returns the handle for a listener and a pool; the same for the same labels.
func (m *Metrics) Request(listener, pool string) *Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{listener, pool}
	r := m.requests[key]
	if r == nil {
		r = &Request{
			listener: listener, pool: pool, spread: m.spread, duration: m.spread.newHistogram(),
			in: m.spread.newCounter(), out: m.spread.newCounter(),
		}
		m.requests[key] = r
	}
	return r
}

// Upstream returns the handle for an upstream by pool and label (app-3, or the
// configured name); the same for the same labels.
func (m *Metrics) Upstream(pool, label string) *Upstream {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{pool, label}
	u := m.upstreams[key]
	if u == nil {
		u = &Upstream{pool: pool, label: label, spread: m.spread, duration: m.spread.newHistogram()}
		m.upstreams[key] = u
	}
	return u
}

// handles collects what the handles counted.
type handles struct{ m *Metrics }

var (
	requestsDesc = desc("requests_total", "Requests by the status that the client was sent; code OTHER: the client was sent none.",
		"listener", "pool", "method", "code")
	requestDurationDesc = desc("request_duration_seconds", "Time from the first byte of a request to the last of its response.", "listener", "pool")
	requestBytesDesc    = desc("request_bytes_total", "Bytes of request bodies.", "listener", "pool")
	responseBytesDesc   = desc("response_bytes_total", "Bytes of response bodies.", "listener", "pool")

	upstreamRequestsDesc = desc("upstream_requests_total", "Exchanges with an upstream by its status; code OTHER: no answer came.",
		"pool", "upstream", "code")
	upstreamDurationDesc = desc("upstream_duration_seconds", "Time of an exchange with an upstream.", "pool", "upstream")
	upstreamConnectDesc  = desc("upstream_connect_failures_total", "Connections to an upstream that could not be made.", "pool", "upstream")
)

// Describe lists the metrics.
func (h handles) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		requestsDesc, requestDurationDesc, requestBytesDesc, responseBytesDesc,
		upstreamRequestsDesc, upstreamDurationDesc, upstreamConnectDesc,
	} {
		ch <- d
	}
}

// Collect reads the handles.
func (h handles) Collect(ch chan<- prometheus.Metric) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	for _, r := range h.m.requests {
		for i := range r.codes {
			if c := r.codes[i].Load(); c != nil {
				c.each(func(code string, n uint64) {
					ch <- count(requestsDesc, float64(n), r.listener, r.pool, methods[i], code)
				})
			}
		}
		n, sum, cumulative := r.duration.read()
		ch <- prometheus.MustNewConstHistogram(requestDurationDesc, n, sum, cumulative, r.listener, r.pool)
		ch <- count(requestBytesDesc, float64(r.in.total()), r.listener, r.pool)
		ch <- count(responseBytesDesc, float64(r.out.total()), r.listener, r.pool)
	}
	for _, u := range h.m.upstreams {
		u.codes.each(func(code string, n uint64) {
			ch <- count(upstreamRequestsDesc, float64(n), u.pool, u.label, code)
		})
		n, sum, cumulative := u.duration.read()
		ch <- prometheus.MustNewConstHistogram(upstreamDurationDesc, n, sum, cumulative, u.pool, u.label)
		ch <- count(upstreamConnectDesc, float64(u.connectFailures.Load()), u.pool, u.label)
	}
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("drover_"+name, help, labels, nil)
}

func count(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func gauge(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}
