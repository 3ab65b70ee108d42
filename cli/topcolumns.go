package cli

import (
	"cmp"
	"fmt"
	"slices"
)

// column is one column of top.
type column struct {
	head   string
	spare  int // on a narrow terminal the largest goes first; 0 stays
	right  bool
	cut    bool // where the terminal ends
	text   func(*line) string
	number func(*line) float64 // what to sort by, largest first; nil: nothing
}

var (
	nameColumn    = func(head string) column { return column{head: head, text: func(l *line) string { return l.name }} }
	healthColumn  = column{head: "HEALTH", text: (*line).healthText}
	rateColumn    = column{head: "REQ/S", right: true, text: (*line).rateText, number: func(l *line) float64 { return l.rate }}
	latencyColumn = column{head: "LATENCY", spare: 4, right: true, text: (*line).latencyText,
		number: func(l *line) float64 { return l.latency }}
	errorsColumn = column{head: "ERRORS", spare: 5, right: true, text: func(l *line) string { return fmt.Sprintf("%.1f%%", l.errors*100) },
		number: func(l *line) float64 { return l.errors }}
	cpuColumn = column{head: "CPU", spare: 2, right: true, text: ofProcesses(func(l *line) string { return fmt.Sprintf("%.1f%%", l.cpu) }),
		number: func(l *line) float64 { return l.cpu }}
	memoryColumn = column{head: "MEMORY", spare: 3, right: true, text: ofProcesses(func(l *line) string { return size(l.memory) }),
		number: func(l *line) float64 { return float64(l.memory) }}
	inFlightColumn = column{head: "IN FLIGHT", spare: 6, right: true, text: func(l *line) string { return fmt.Sprint(l.inFlight) },
		number: func(l *line) float64 { return float64(l.inFlight) }}
	restartsColumn = column{head: "RESTARTS", spare: 7, right: true, text: ofWorkers(func(l *line) string { return fmt.Sprint(l.restarts) }),
		number: func(l *line) float64 { return float64(l.restarts) }}
	uptimeColumn = column{head: "UPTIME", spare: 8, right: true, text: (*line).uptimeText,
		number: func(l *line) float64 { return l.uptime }}

	poolColumns = []column{nameColumn("POOL"), healthColumn,
		{head: "READY", spare: 1, right: true, text: func(l *line) string { return fmt.Sprintf("%d of %d", l.ready, l.wanted) }},
		rateColumn, latencyColumn, errorsColumn, cpuColumn, memoryColumn, inFlightColumn,
		{head: "QUEUE", spare: 3, right: true, text: func(l *line) string { return fmt.Sprint(l.queue) }},
		restartsColumn,
		{head: "FAILED", spare: 8, right: true, text: ofWorkers(func(l *line) string { return fmt.Sprint(l.failed) })},
	}
	workerColumns = []column{nameColumn("WORKER"), {head: "STATE", spare: 1, text: func(l *line) string { return l.state }}, healthColumn,
		rateColumn, latencyColumn, errorsColumn, cpuColumn, memoryColumn, inFlightColumn, uptimeColumn, restartsColumn,
		{head: "LAST REASON", spare: 9, text: func(l *line) string { return dash(l.reason) }},
		{head: "LEAK", spare: 5, text: func(l *line) string { return dash(l.leak) }},
		{head: "CHECKS", spare: 10, cut: true, text: func(l *line) string { return dash(l.checks) }},
	}

	// sorts are what s steps through; none is the order of the settings.
	sorts = []*column{nil, &rateColumn, &latencyColumn, &errorsColumn, &cpuColumn, &memoryColumn, &inFlightColumn, &uptimeColumn, &restartsColumn}
)

// ofWorkers shows a dash for what drover did not start and so cannot measure.
func ofWorkers(text func(*line) string) func(*line) string {
	return func(l *line) string {
		if l.spawned || l.scales {
			return text(l)
		}
		return "-"
	}
}

// ofProcesses shows a dash also for a worker that is none at the moment, or was not measured yet.
func ofProcesses(text func(*line) string) func(*line) string {
	return func(l *line) string {
		if l.scales || l.memory > 0 {
			return text(l)
		}
		return "-"
	}
}

func (l *line) latencyText() string {
	if l.latency == 0 {
		return "-" // nothing was served lately
	}
	return fmt.Sprintf("%.1f ms", l.latency)
}

func (l *line) healthText() string {
	if l.flag == "" {
		return dash(l.health)
	}
	return dash(l.health) + ", " + l.flag
}

func (l *line) rateText() string {
	if !l.rated {
		return "-"
	}
	return fmt.Sprintf("%.1f", l.rate)
}

func (l *line) uptimeText() string {
	if l.uptime == 0 {
		return "-"
	}
	return duration(l.uptime)
}

// sortLines puts the largest first, or with up the smallest; lines that are
// equal stay in the order of the settings.
func sortLines(list []line, by *column, up bool) {
	if by == nil {
		if up {
			slices.Reverse(list)
		}
		return
	}
	slices.SortStableFunc(list, func(a, b line) int {
		if up {
			return cmp.Compare(by.number(&a), by.number(&b))
		}
		return cmp.Compare(by.number(&b), by.number(&a))
	})
}
