package process

import (
	"errors"
	"os"

	"github.com/drover-proxy/drover/internal/cgroupfs"
)

// Look is Tree as of now.
func (p *Process) Look() []int {
	if _, err := p.members(); err != nil {
		return nil
	}
	return p.Tree()
}

// MakeGroups makes the folder of this process for a controller, as drover does when limits are first
// asked for, and returns it and what removes it.
func MakeGroups(controller string) (folder string, remove func(), err error) {
	found, err := cgroupfs.Own()
	if err != nil {
		return "", nil, err
	}
	me, _ := readProc(os.Getpid())
	c := &cgroups{owner: me, bases: make(map[string]string), kinds: make(map[string]int), why: make(map[string]string), made: make(map[string]struct{})}
	c.openOne(controller, found)
	if why := c.why[controller]; why != "" {
		return "", nil, errors.New(why)
	}
	return c.bases[controller], c.close, nil
}
