package metrics

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/drover-proxy/drover/event"
)

// BuildInfo says what is running.
type BuildInfo struct{ Version, Commit, GoVersion string }

// Metrics is every number drover exposes. Its methods may be called concurrently.
type Metrics struct {
	registry *prometheus.Registry
	spread   *spread

	openConnections *prometheus.GaugeVec
	connections     *prometheus.CounterVec
	retries         *prometheus.CounterVec
	rejected        *prometheus.CounterVec
	fallbacks       *prometheus.CounterVec
	sticky          *prometheus.CounterVec
	queueWait       *prometheus.HistogramVec
	checks          *prometheus.CounterVec
	checkDuration   *prometheus.HistogramVec
	reloads         *prometheus.CounterVec
	reloadOK        prometheus.Gauge
	events          *prometheus.CounterVec
	messages        *prometheus.CounterVec
	ipcRequests     prometheus.Histogram
	scaling         *prometheus.CounterVec
	app             *App

	mu        sync.Mutex
	requests  map[[2]string]*Request
	upstreams map[[2]string]*Upstream
	watched   *watched
}

// New returns the metrics with nothing counted yet.
func New(build BuildInfo) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), spread: newSpread(),
		requests: map[[2]string]*Request{}, upstreams: map[[2]string]*Upstream{},
		openConnections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "drover_open_connections", Help: "Connections of clients that are open."}, []string{"listener", "protocol"}),
		connections: counterVec("connections_total", "Connections of clients to a tcp listener, or accepted by an http one, by how they ended.", "listener", "pool", "result"),
		retries:     counterVec("retries_total", "Requests that were sent to another upstream, by why.", "pool", "reason"),
		rejected:    counterVec("rejected_total", "Requests and connections that drover refused by itself, by why.", "reason"),
		fallbacks:   counterVec("fallbacks_total", "Requests that a pool's fallback got, by why.", "pool", "reason"),
		sticky:      counterVec("sticky_requests_total", "Requests to pools with sticky: kept went where the cookie says, moved went elsewhere, new had no valid cookie.", "pool", "result"),
		queueWait:   histogramVec("queue_wait_seconds", "Time that requests waited for an upstream; those that did not wait are not counted.", "pool"),
		checks:      counterVec("healthcheck_total", "Probes by result: pass, fail, or late where drover itself was too late to judge.", "pool", "result"),
		checkDuration: histogramVec("healthcheck_duration_seconds", "Time that probes took.",
			"pool"),
		reloads: counterVec("config_reloads_total", "Reloads of the settings by result: success or failure.", "result"),
		reloadOK: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "drover_config_last_reload_successful", Help: "1 when the settings that were read last are in effect, 0 when they were refused."}),
		events:   counterVec("events_total", "Events by kind.", "kind"),
		messages: counterVec("ipc_messages_total", "Messages over the workers' channels by kind and result: ok, or the code of the error.", "kind", "result"),
		ipcRequests: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "drover_ipc_request_duration_seconds", Help: "Time that requests between workers took to their end.", Buckets: ipcBuckets}),
		scaling: counterVec("autoscale_decisions_total", "Changes of the number of workers by autoscaling, by direction and why.", "pool", "direction", "reason"),
		app:     newApp(),
	}
	m.watched = newWatched()
	m.reloadOK.Set(1) // what drover started with
	for _, result := range []string{"success", "failure"} {
		m.reloads.WithLabelValues(result)
	}
	for _, kind := range event.Kinds() { // the first of its kind is what an alert waits for
		m.events.WithLabelValues(string(kind))
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "drover_build_info", Help: "Always 1; the labels say what is running.",
		ConstLabels: prometheus.Labels{"version": build.Version, "commit": build.Commit, "goversion": build.GoVersion}})
	info.Set(1)
	m.registry.MustRegister(
		m.openConnections, m.connections, m.retries, m.rejected, m.fallbacks, m.sticky, m.queueWait, m.checks, m.checkDuration,
		m.reloads, m.reloadOK, m.events, m.messages, m.ipcRequests, m.scaling, m.app, m.app.refused, info, handles{m}, m.watched,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Registry returns where the metrics are registered.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Handler serves the metrics in the Prometheus text format, or as OpenMetrics
// when that is asked for.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics:   true,
		MaxRequestsInFlight: 4, // a scrape costs memory; more at a time are somebody's mistake
	})
}

// Watch sets the function that is asked for the present state at each scrape.
func (m *Metrics) Watch(src func() State) { m.watched.set(src) }

// Retry counts a request that is sent to another upstream, by why:
// connect-failure, refused, reset-before-response or gateway-error.
func (m *Metrics) Retry(pool, reason string) { m.retries.WithLabelValues(pool, reason).Inc() }

// Rejected counts what drover refused by itself, by why.
func (m *Metrics) Rejected(reason string) { m.rejected.WithLabelValues(reason).Inc() }

// Fallback counts what a pool's fallback got, by why the pool did not take it.
func (m *Metrics) Fallback(pool, reason string) { m.fallbacks.WithLabelValues(pool, reason).Inc() }

// Sticky counts an answer to a client that is to stay with its upstream: kept
// (it did), moved (it could not) or new (it had none).
func (m *Metrics) Sticky(pool, result string) { m.sticky.WithLabelValues(pool, result).Inc() }

// QueueWait counts a request that waited for an upstream.
func (m *Metrics) QueueWait(pool string, d time.Duration) {
	m.queueWait.WithLabelValues(pool).Observe(d.Seconds())
}

// HealthCheck counts a probe; result is pass, fail or late.
func (m *Metrics) HealthCheck(pool, result string, d time.Duration) {
	m.checks.WithLabelValues(pool, result).Inc()
	m.checkDuration.WithLabelValues(pool).Observe(d.Seconds())
}

// Connection counts the connections of one listener and protocol (http, tcp, websocket, …).
type Connection struct{ open prometheus.Gauge }

// Connection returns the handle for a listener and a protocol.
func (m *Metrics) Connection(listener, protocol string) *Connection {
	return &Connection{m.openConnections.WithLabelValues(listener, protocol)}
}

// Open counts a connection in.
func (c *Connection) Open() { c.open.Inc() }

// Close counts it out.
func (c *Connection) Close() { c.open.Dec() }

// ConnectionResult counts a connection by how it ended; the caller's results are a closed set.
func (m *Metrics) ConnectionResult(listener, pool, result string) {
	m.connections.WithLabelValues(listener, pool, result).Inc()
}

// Reload counts a reload of the settings.
func (m *Metrics) Reload(ok bool) {
	if ok {
		m.reloads.WithLabelValues("success").Inc()
		m.reloadOK.Set(1)
		return
	}
	m.reloads.WithLabelValues("failure").Inc()
	m.reloadOK.Set(0)
}

// AutoscaleDecisions counts n changes of the number of workers by autoscaling;
// direction is up or down, n may be 0.
func (m *Metrics) AutoscaleDecisions(pool, direction, reason string, n int) {
	m.scaling.WithLabelValues(pool, direction, reason).Add(float64(n))
}

// Event counts an event by its kind.
func (m *Metrics) Event(kind string) { m.events.WithLabelValues(kind).Inc() }

func counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drover_" + name, Help: help}, labels)
}

func histogramVec(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "drover_" + name, Help: help, Buckets: buckets[:]}, labels)
}
