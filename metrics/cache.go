package metrics

import "github.com/prometheus/client_golang/prometheus"

var (
	cacheBytesDesc     = desc("cache_bytes", "Memory that the entries of the shared cache take.")
	cacheEntriesDesc   = desc("cache_entries", "Entries of the shared cache.")
	cacheHitsDesc      = desc("cache_hits_total", "Reads of the shared cache that found something.", "namespace")
	cacheMissesDesc    = desc("cache_misses_total", "Reads of the shared cache that found nothing.", "namespace")
	cacheEvictionsDesc = desc("cache_evictions_total", "Entries of the shared cache that made room for others.", "namespace")
	cacheLoadDesc      = desc("cache_load_duration_seconds", "Time that workers took to compute values under a lease.", "namespace")
)

func (c *CacheRow) collect(ch chan<- prometheus.Metric) {
	ch <- gauge(cacheBytesDesc, float64(c.Bytes))
	ch <- gauge(cacheEntriesDesc, float64(c.Entries))
	for _, n := range c.Namespaces {
		ch <- count(cacheHitsDesc, float64(n.Hits), n.Namespace)
		ch <- count(cacheMissesDesc, float64(n.Misses), n.Namespace)
		ch <- count(cacheEvictionsDesc, float64(n.Evictions), n.Namespace)
		ch <- prometheus.MustNewConstSummary(cacheLoadDesc, n.Loads, n.LoadTime.Seconds(), nil, n.Namespace)
	}
}
