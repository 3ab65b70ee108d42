package cli

import (
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"
)

// operated is the running drover as top needs it.
type operated interface {
	Look() (look, error)
	Change(change) error
}

// topModel is what top knows and shows. Its Update and View do nothing to the
// world; what does is in the commands that Update returns.
type topModel struct {
	drover   operated
	interval time.Duration

	before, now *look
	fault       error // of the last look

	width, height int
	selected      string // the key of a line
	at            int    // where it is, or was
	sort          int    // an index of sorts
	up            bool   // the smallest first
	filter        string
	typing        bool // a filter
	help          bool
	asked         *change // awaits a yes
	said          string  // what became of the last change
	saidFault     bool
	saidFor       time.Duration
}

func newTopModel(d operated, interval time.Duration) *topModel {
	return &topModel{drover: d, interval: interval, width: 80, height: 24}
}

type (
	lookMsg struct {
		look  look
		err   error
		extra bool // beside the clock: a change was made
	}
	tickMsg    struct{}
	changedMsg struct {
		change change
		err    error
	}
)

// Init starts the clock; the first look was there before.
func (m *topModel) Init() tea.Cmd { return m.tick() }

func (m *topModel) tick() tea.Cmd {
	return tea.Tick(m.interval, func(time.Time) tea.Msg { return tickMsg{} })
}

func (m *topModel) lookAgain(extra bool) tea.Cmd {
	return func() tea.Msg {
		l, err := m.drover.Look()
		return lookMsg{l, err, extra}
	}
}

// Update takes a message.
func (m *topModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tickMsg:
		if m.saidFor += m.interval; m.saidFor > saidLongest {
			m.said = ""
		}
		return m, m.lookAgain(false)
	case lookMsg:
		if m.fault = msg.err; msg.err == nil {
			m.take(msg.look)
		}
		if !msg.extra {
			return m, m.tick() // after the answer: a slow drover is not asked twice at a time
		}
	case changedMsg:
		if msg.err != nil {
			m.complain("%v", msg.err)
		} else {
			m.say(msg.change.done())
		}
		return m, m.lookAgain(true)
	case tea.KeyPressMsg:
		return m, m.press(msg)
	}
	return m, nil
}

// take makes a look the newest one. Rates are of at least half an interval: a
// shorter time makes wild ones.
func (m *topModel) take(l look) {
	if m.now != nil && (m.before == nil || l.at.Sub(m.now.at) >= m.interval/2) {
		m.before = m.now
	}
	m.now = &l
	m.follow()
}

// lines are the tables' lines, sorted and filtered.
func (m *topModel) lines() (pools, workers []line) {
	pools, all := lines(m.before, m.now)
	for _, l := range all {
		if l.contains(m.filter) {
			workers = append(workers, l)
		}
	}
	sortLines(workers, sorts[m.sort], m.up)
	return pools, workers
}

// follow finds the selected line again after the lines have changed.
func (m *topModel) follow() {
	pools, workers := m.lines()
	all := append(pools, workers...)
	for i := range all {
		if all[i].key() == m.selected {
			m.at = i
			return
		}
	}
	m.at = max(0, min(m.at, len(all)-1))
	m.selected = ""
	if len(all) > 0 {
		m.selected = all[m.at].key()
	}
}

// move selects another line.
func (m *topModel) move(by int) {
	m.at += by
	m.selected = ""
	m.follow()
}

// current is the selected line and the one of its pool; nil where there is none.
func (m *topModel) current() (selected, pool *line) {
	pools, workers := m.lines()
	all := append(pools, workers...)
	for i := range all {
		if all[i].key() == m.selected {
			selected = &all[i]
		}
	}
	for i := range pools {
		if selected != nil && pools[i].name == selected.pool {
			pool = &pools[i]
		}
	}
	return selected, pool
}

// saidLongest is how long the last line says what became of a change.
const saidLongest = 10 * time.Second

func (m *topModel) say(text string) { m.said, m.saidFault, m.saidFor = text, false, 0 }

func (m *topModel) complain(format string, args ...any) {
	m.say(fmt.Sprintf(format, args...))
	m.saidFault = true
}
