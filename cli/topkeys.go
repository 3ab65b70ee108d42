package cli

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// topHelp is what ? shows.
const topHelp = `up down, k j    select a pool, a worker or an address; also PgUp PgDn Home End
tab             to the workers, and back to the pools
+ -             scale the pool of what is selected; again for more
a               give it the number of workers of the settings, or of autoscaling
r               restart the pool: its workers are replaced one after another
R               replace the selected worker by its next generation
d u             drain the selected worker or address; u undoes it
s S             sort by the next column; turn the order round
/               show only the lines that contain a text; esc shows all again
?               this help
q, ctrl+c       leave

What changes something asks first: y or enter does it, anything else does not.`

// press acts on a key.
func (m *topModel) press(k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	if key == "ctrl+c" {
		return tea.Quit
	}
	switch {
	case m.asked != nil:
		return m.answer(key)
	case m.typing:
		m.typed(key, k.Text)
		return nil
	case m.help:
		m.help = false
		if key == "q" {
			return tea.Quit
		}
		return nil
	}
	m.said = ""
	switch key {
	case "q":
		return tea.Quit
	case "?", "h":
		m.help = true
	case "/":
		m.typing = true
	case "esc":
		m.filter = ""
		m.follow()
	case "s":
		m.sort, m.up = (m.sort+1)%len(sorts), false
		m.follow()
	case "S":
		m.up = !m.up
		m.follow()
	case "+", "=", "-", "a", "r", "R", "d", "u":
		m.ask(key)
	default:
		m.walk(key)
	}
	return nil
}

func (m *topModel) walk(key string) {
	pools, workers := m.lines()
	page := max(1, m.height/2)
	switch key {
	case "up", "k":
		m.move(-1)
	case "down", "j":
		m.move(1)
	case "pgup":
		m.move(-page)
	case "pgdown":
		m.move(page)
	case "home", "g":
		m.move(-m.at)
	case "end", "G":
		m.move(len(pools) + len(workers))
	case "tab":
		if m.at < len(pools) {
			m.move(len(pools) - m.at)
		} else {
			m.move(-m.at)
		}
	}
}

// ask prepares a change of what is selected, and asks about it.
func (m *topModel) ask(key string) {
	selected, pool := m.current()
	switch {
	case selected == nil || pool == nil:
		m.complain("nothing is selected")
	case strings.Contains("+=-ar", key) && !pool.scales:
		m.complain("%s has no workers of drover's", pool.name)
	case key == "r":
		m.asked = &change{verb: rollVerb, subject: pool.name}
	case key == "a":
		m.asked = &change{verb: autoVerb, subject: pool.name}
	case strings.Contains("+=-", key):
		m.asked = &change{verb: scaleVerb, subject: pool.name, was: pool.wanted, workers: pool.wanted}
		m.asked.step(key)
	case selected.isPool:
		m.complain("select a worker first, with the arrow keys")
	case key == "R" && !selected.spawned:
		m.complain("%s is not drover's to restart", selected.name)
	case key == "R":
		m.asked = &change{verb: anewVerb, subject: selected.name, spawned: true}
	case key == "d":
		m.asked = &change{verb: drainVerb, subject: selected.name, spawned: selected.spawned}
	case key == "u":
		m.asked = &change{verb: resumeVerb, subject: selected.name, spawned: selected.spawned}
	}
}

// step is one worker more, or less.
func (c *change) step(key string) {
	if key == "-" {
		c.workers = max(0, c.workers-1)
	} else {
		c.workers = min(1024, c.workers+1)
	}
}

// answer takes the key after a question.
func (m *topModel) answer(key string) tea.Cmd {
	c := *m.asked
	if c.verb == scaleVerb && strings.Contains("+=-", key) {
		m.asked.step(key)
		return nil
	}
	m.asked = nil
	if key != "y" && key != "Y" && key != "enter" {
		m.say("nothing was changed")
		return nil
	}
	m.say("…")
	return func() tea.Msg { return changedMsg{c, m.drover.Change(c)} }
}

// typed takes a key of the filter.
func (m *topModel) typed(key, text string) {
	switch key {
	case "enter":
		m.typing = false
	case "esc":
		m.typing, m.filter = false, ""
	case "backspace":
		_, n := utf8.DecodeLastRuneInString(m.filter)
		m.filter = m.filter[:len(m.filter)-n]
	default:
		m.filter += printable(text)
	}
	m.follow()
}
