package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
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

// longest is the width of the longest cell that top shows whole.
const longest = 40

// grid is a table whose columns fit a width.
type grid struct {
	head string
	rows []string
}

// newGrid lays lines out in as many columns as fit; width 0 takes all of them.
// Columns with nothing but dashes in them are left out.
func newGrid(columns []column, list []line, width int) grid {
	var kept []column
	var cells [][]string // by column
	var widths []int
	for _, c := range columns {
		texts, widest, something := []string{}, ansi.StringWidth(c.head), false
		for i := range list {
			text := flat(c.text(&list[i]))
			if !c.cut {
				text = ansi.Truncate(text, longest, "…")
			}
			texts = append(texts, text)
			widest = max(widest, ansi.StringWidth(text))
			something = something || text != "-"
		}
		if something || c.spare == 0 {
			kept, cells, widths = append(kept, c), append(cells, texts), append(widths, widest)
		}
	}
	for width > 0 && total(kept, widths) > width {
		out := 0
		for i, c := range kept {
			if c.spare > kept[out].spare {
				out = i
			}
		}
		if kept[out].spare == 0 {
			break
		}
		kept, cells, widths = slices.Delete(kept, out, out+1), slices.Delete(cells, out, out+1), slices.Delete(widths, out, out+1)
	}
	squeeze(kept, widths, width)
	g := grid{}
	join := func(cell func(i int) string) string {
		var b strings.Builder
		for i, c := range kept {
			text := cell(i)
			if !c.cut {
				text = ansi.Truncate(text, widths[i], "…")
			}
			pad := strings.Repeat(" ", widths[i]-min(widths[i], ansi.StringWidth(text)))
			if i > 0 {
				b.WriteString("  ")
			}
			if c.right {
				b.WriteString(pad + text)
			} else {
				b.WriteString(text + pad)
			}
		}
		return fit(strings.TrimRight(b.String(), " "), width)
	}
	g.head = join(func(i int) string { return kept[i].head })
	for row := range list {
		g.rows = append(g.rows, join(func(i int) string { return cells[i][row] }))
	}
	return g
}

// total is how wide columns are, less what the last one can be cut to.
func total(columns []column, widths []int) int {
	sum := 2 * (len(columns) - 1)
	for i, c := range columns {
		if c.cut {
			sum += len(c.head) + 10
			continue
		}
		sum += widths[i]
	}
	return sum
}

// squeeze makes the widest columns of words narrower until all fit, or until
// nothing could be read any more.
func squeeze(columns []column, widths []int, width int) {
	const least = 7
	for width > 0 && total(columns, widths) > width {
		widest := -1
		for i, c := range columns {
			if !c.right && widths[i] > least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// fit cuts a line where the terminal ends; width 0 does not.
func fit(text string, width int) string {
	if width <= 0 {
		return text
	}
	return ansi.Truncate(text, width, "…")
}
