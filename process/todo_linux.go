package process

// OwnsListener placeholder until listener.go lands.
func (p *Process) OwnsListener(network, address string) (listening, owned bool, err error) {
	panic("contract")
}

// Evidence placeholder.
func (p *Process) Evidence() string { panic("contract") }
