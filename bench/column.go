package main

import "fmt"

// column is what a scenario's table shows beside cost and ratio.
type column struct {
	title string
	text  func(r *results, name string) string
}

// median shows the middle of what f finds in the turns, or a dash where it finds nothing.
func median(title, format string, f measure) column {
	return column{title, func(r *results, name string) string {
		s := r.each(name, f)
		if len(s) == 0 {
			return "–"
		}
		return fmt.Sprintf(format, s.median())
	}}
}

// against shows the middle of the ratios to what the scenario compares with.
func against(title string, f measure) column {
	return column{title, func(r *results, name string) string {
		s := r.ratios(name, r.scenario.baseline(), f)
		return s.text(s.median)
	}}
}

var (
	userColumn     = median("user", "%.0f%%", userShare)
	requestsColumn = median("requests/s", "%.0f", perSecond)
	bytesColumn    = median("MB/s", "%.0f", throughput)
	p50Column      = median("p50", "%.2f ms", p50)
	p99Column      = median("p99", "%.1f ms", p99)
	p999Column     = median("p99.9", "%.1f ms", p999)
	p99Against     = against("p99 × HAProxy", p99)
	cpuColumn      = median("CPU µs/request", "%.1f", perRequest)
	cpuAgainst     = against("CPU × HAProxy", perRequest)
	rssColumn      = column{"RSS", func(r *results, name string) string { // the highest
		return fmt.Sprintf("%.0f MB", r.each(name, megabytes).max())
	}}
)

// contestColumns are those of a scenario in which workers compete.
func contestColumns() []column {
	micro := func(f measure) measure {
		return func(t turn) (float64, error) {
			v, err := f(t)
			return 1000 * v, err
		}
	}
	return []column{median("operations/s", "%.0f", perSecond), median("p50, µs", "%.0f", micro(p50)), against("p50 ×", p50), median("p99, µs", "%.0f", micro(p99)), against("p99 ×", p99),
		median("CPU µs between the workers", "%.1f", perRequest), median("CPU µs in the workers", "%.1f", workersPerOperation)}
}

// loadColumns are those of a scenario that wrk loads.
func loadColumns() []column {
	return []column{userColumn, requestsColumn, p99Column, p99Against, rssColumn}
}
