package cli

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/drover-proxy/drover/admin"
)

var (
	headStyle     = lipgloss.NewStyle().Bold(true)
	selectedStyle = lipgloss.NewStyle().Reverse(true)
	faultStyle    = lipgloss.NewStyle().Foreground(lipgloss.Red)
	askStyle      = lipgloss.NewStyle().Bold(true)
	faintStyle    = lipgloss.NewStyle().Faint(true)
)

// frame is what there is to draw, whatever it is drawn on.
type frame struct {
	now            *look
	pools, workers []line
}

// newFrame draws all there is, for where there is no terminal.
func newFrame(before, now *look) frame {
	pools, workers := lines(before, now)
	return frame{now, pools, workers}
}

// title is the first line, without its clock.
func (f frame) title() string {
	s := f.now.status
	state := s.Health
	if s.Draining {
		state += ", draining"
	}
	return fmt.Sprintf("drover %s, pid %d, up %s: %s", s.Version, s.PID, duration(s.UptimeSeconds), state)
}

// plain is the view as text for a pipe.
func (f frame) plain() string {
	var b strings.Builder
	b.WriteString(f.title() + "\n")
	for _, reason := range f.now.status.Reasons {
		b.WriteString("  " + flat(reason) + "\n")
	}
	for _, part := range []struct {
		columns []column
		lines   []line
	}{{poolColumns, f.pools}, {workerColumns, f.workers}} {
		g := newGrid(part.columns, part.lines, 0)
		b.WriteString("\n" + g.head + "\n")
		for _, row := range g.rows {
			b.WriteString(row + "\n")
		}
	}
	return b.String()
}

// View draws the screen.
func (m *topModel) View() tea.View {
	v := tea.NewView(strings.Join(m.screen(), "\n"))
	v.AltScreen = true
	v.WindowTitle = "drover top"
	return v
}

// screen is at most height lines.
func (m *topModel) screen() []string {
	pools, workers := m.lines()
	f := frame{m.now, pools, workers}
	out := []string{m.headline(f)}
	out = append(out, m.reasons()...)
	if m.help {
		out = append(out, "")
		for l := range strings.SplitSeq(topHelp, "\n") {
			out = append(out, fit(l, m.width))
		}
		return m.closed(out)
	}
	out = append(out, "")
	// Pools have the room that workers leave, but half of it in any case, and the other way round.
	room := max(2, m.height-len(out)-4) // two headings, a space between, the last line
	forPools := min(len(pools), max(1, room/2, room-len(workers)))
	out = append(out, m.table(poolColumns, pools, 0, forPools)...)
	out = append(out, "")
	out = append(out, m.table(workerColumns, workers, len(pools), max(1, room-forPools))...)
	return m.closed(out)
}

// reasons says why drover is not well, in as many lines as there is room for.
func (m *topModel) reasons() (out []string) {
	all := m.now.status.Reasons
	room := min(3, max(0, m.height-8)/4)
	for i, reason := range all {
		if i == room-1 && len(all) > room {
			return append(out, fit(fmt.Sprintf("  and %d more", len(all)-i), m.width))
		}
		if i < room {
			out = append(out, fit("  "+flat(reason), m.width))
		}
	}
	return out
}

// headline is the title, and at its right when drover was last seen.
func (m *topModel) headline(f frame) string {
	at := f.now.at.Format("15:04:05")
	if by := sorts[m.sort]; by != nil || m.up {
		name := "the order of the settings"
		if by != nil {
			name = by.head
		}
		if m.up {
			name += ", upwards"
		}
		at = "by " + name + "  " + at
	}
	title := f.title()
	if pad := m.width - ansi.StringWidth(title) - len(at); pad > 1 {
		title += strings.Repeat(" ", pad) + at
	}
	return paint(fit(title, m.width), f.now.status.Health)
}

// table draws the lines around the selected one that there is room for.
func (m *topModel) table(columns []column, list []line, first, room int) []string {
	g := newGrid(columns, list, m.width-2)
	out := []string{headStyle.Render("  " + g.head)}
	from := window(m.at-first, len(list), room)
	for i := from; i < min(len(list), from+room); i++ {
		if list[i].key() == m.selected {
			out = append(out, selectedStyle.Render("> "+g.rows[i]))
			continue
		}
		out = append(out, "  "+paint(g.rows[i], list[i].health, list[i].state, list[i].flag))
	}
	return out
}

// window is the first of the lines to show, so that the one at is among them.
func window(at, lines, room int) int {
	at = max(0, min(at, lines-1))
	return max(0, min(at-room/2, lines-room))
}

// closed adds the last line, at the bottom, and cuts what has no room.
func (m *topModel) closed(out []string) []string {
	if room := max(1, m.height-1); len(out) > room {
		out = out[:room]
	}
	for len(out) < m.height-1 {
		out = append(out, "")
	}
	return append(out, m.foot())
}

// foot is the last line: what is asked, typed, wrong or possible.
func (m *topModel) foot() string {
	switch {
	case m.asked != nil:
		return askStyle.Render(fit(m.asked.question()+" y/n", m.width))
	case m.typing:
		return askStyle.Render(fit("/"+m.filter+"_", m.width))
	case m.fault != nil:
		return faultStyle.Render(fit("as it was at "+m.now.at.Format("15:04:05")+": "+flat(m.fault.Error()), m.width))
	case m.said != "" && m.saidFault:
		return faultStyle.Render(fit(flat(m.said), m.width))
	case m.said != "":
		return fit(m.said, m.width)
	case m.filter != "":
		return fit(fmt.Sprintf("only lines with %q; esc shows all", m.filter), m.width)
	}
	return faintStyle.Render(fit("? help  +- scale  r restart  d drain  u resume  s sort  / filter  q quit", m.width))
}

// flat makes one line of a text.
func flat(text string) string { return strings.Join(strings.Fields(printable(text)), " ") }

// paint colours words of a row that mean well or ill.
func paint(row string, words ...string) string {
	for _, word := range words {
		colour := ""
		switch word {
		case "unhealthy", "failed", "ejected":
			colour = "\x1b[31m"
		case admin.Degraded, "starting", "draining", "drained", "maintenance", "backoff", "stopping", "rolling", "manual":
			colour = "\x1b[33m"
		case admin.Healthy:
			colour = "\x1b[32m"
		default:
			continue
		}
		row = replaceWord(row, word, colour+word+"\x1b[39m")
	}
	return row
}

// replaceWord replaces the last place where word stands alone: a worker may have
// the name of a state, and names come first.
func replaceWord(row, word, by string) string {
	for at := strings.LastIndex(row, word); at >= 0; at = strings.LastIndex(row[:at], word) {
		end := at + len(word)
		if (at == 0 || row[at-1] == ' ') && (end == len(row) || row[end] == ' ' || row[end] == ',') {
			return row[:at] + by + row[end:]
		}
	}
	return row
}
