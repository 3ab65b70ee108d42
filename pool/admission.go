package pool

// SetAdmission sets what is asked, with no lock held, of a worker that is well
// and still starting: whether it may have requests now. It is asked again with
// each report that the worker is well. It is set before there are workers.
func (p *Pool) SetAdmission(admit func(*Upstream) bool) { p.admit = admit }

// held reports whether an upstream is a worker that is not admitted yet.
func (p *Pool) held(id string) bool {
	if p.admit == nil {
		return false
	}
	u := p.Get(id)
	return u != nil && u.Spawned && u.State() == Starting && !p.admit(u)
}
