package cli

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// longest is the width of the longest cell that top shows whole.
const longest = 40

// grid is a table whose columns fit a width.
type grid struct {
	head string
	rows []string
}

// laid is a column with its cells.
type laid struct {
	column
	cells []string
	width int
}

// newGrid lays lines out in as many columns as fit; width 0 takes all of them.
func newGrid(columns []column, list []line, width int) grid {
	all := squeezed(spared(filled(columns, list), width), width)
	g := grid{head: joined(all, width, func(c laid) string { return c.head })}
	for i := range list {
		g.rows = append(g.rows, joined(all, width, func(c laid) string { return c.cells[i] }))
	}
	return g
}

// filled are the columns with something but dashes in them, and those that stay.
func filled(columns []column, list []line) (all []laid) {
	for _, c := range columns {
		l, something := laid{column: c, width: ansi.StringWidth(c.head)}, false
		for i := range list {
			text := flat(c.text(&list[i]))
			if !c.cut {
				text = ansi.Truncate(text, longest, "…")
			}
			l.cells = append(l.cells, text)
			l.width = max(l.width, ansi.StringWidth(text))
			something = something || text != "-"
		}
		if something || c.spare == 0 {
			all = append(all, l)
		}
	}
	return all
}

// spared leaves columns out until the others fit, or none is left that may go.
func spared(all []laid, width int) []laid {
	for width > 0 && total(all) > width {
		out := 0
		for i, c := range all {
			if c.spare > all[out].spare {
				out = i
			}
		}
		if all[out].spare == 0 {
			break
		}
		all = slices.Delete(all, out, out+1)
	}
	return all
}

// squeezed makes the widest columns of words narrower until all fit, or until
// nothing could be read any more.
func squeezed(all []laid, width int) []laid {
	const least = 7
	for width > 0 && total(all) > width {
		widest := -1
		for i, c := range all {
			if !c.right && c.width > least && (widest < 0 || c.width > all[widest].width) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		all[widest].width--
	}
	return all
}

// total is how wide columns are, less what the last one can be cut to.
func total(all []laid) int {
	sum := 2 * (len(all) - 1)
	for _, c := range all {
		if c.cut {
			sum += len(c.head) + 10
			continue
		}
		sum += c.width
	}
	return sum
}

// joined is one line of the table.
func joined(all []laid, width int, cell func(laid) string) string {
	var b strings.Builder
	for i, c := range all {
		text := cell(c)
		if !c.cut {
			text = ansi.Truncate(text, c.width, "…")
		}
		pad := strings.Repeat(" ", c.width-min(c.width, ansi.StringWidth(text)))
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

// fit cuts a line where the terminal ends; width 0 does not.
func fit(text string, width int) string {
	if width <= 0 {
		return text
	}
	return ansi.Truncate(text, width, "…")
}
