package process

// Look is Tree as of now.
func (p *Process) Look() []int {
	if _, err := p.members(); err != nil {
		return nil
	}
	return p.Tree()
}
