package pool

// Mark is what operators have said of an upstream of the settings. It is passed
// from one drover to another as JSON.
type Mark struct {
	ID          string `json:"id"`
	Drained     bool   `json:"drained,omitempty"`
	Maintenance bool   `json:"maintenance,omitempty"`
	Weight      int    `json:"weight"`
	Configured  int    `json:"configured"` // the weight in the settings
}

// Marks returns the marks of those upstreams of the settings that have one.
func (p *Pool) Marks() []Mark {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Mark
	for _, u := range p.ordered {
		m := Mark{ID: u.ID, Drained: u.Drained(), Maintenance: u.Maintenance(), Weight: u.Weight(), Configured: u.configured}
		if u.static && (m.Drained || m.Maintenance || m.Weight != m.Configured) {
			all = append(all, m)
		}
	}
	return all
}

// SetMarks sets the marks of upstreams that the settings still have. A weight
// counts as long as theirs is the same as when it was marked.
func (p *Pool) SetMarks(all []Mark) {
	for _, m := range all {
		p.mu.Lock()
		u := p.members[m.ID]
		known := u != nil && u.static
		same := known && u.configured == m.Configured
		p.mu.Unlock()
		if !known {
			continue
		}
		p.SetDrained(m.ID, m.Drained)
		p.SetMaintenance(m.ID, m.Maintenance)
		if same {
			p.SetWeight(m.ID, m.Weight)
		}
	}
}
