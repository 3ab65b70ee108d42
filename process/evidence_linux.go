package process

import "time"

const (
	evidenceLook = 100 * time.Millisecond
	// clockTicks is USER_HZ, which Linux fixes at 100 a second for all that Go runs on.
	clockTicks = 100
	// spinTicks of CPU in one look mean spinning: half a core.
	spinTicks = uint64(evidenceLook * clockTicks / time.Second / 2)
)

// Evidence names what a process that stopped answering is doing, by a look of about 100 ms at its
// whole tree: one of the Evidence constants.
func (p *Process) Evidence() string {
	before, err := p.members()
	if err != nil || len(before) == 0 {
		return EvidenceExited
	}
	stuck := make(map[identity]uint64, len(before)) // by CPU time
	for _, m := range before {
		if m.state == 'T' || m.state == 't' {
			return EvidenceStopped
		}
		stuck[identity{m.pid, m.start}] = m.cpu
	}
	var waiting [4]int // how often a member of state D was seen
	var spent uint64
	for i := range waiting {
		time.Sleep(evidenceLook / time.Duration(len(waiting)))
		spent = 0
		for id, cpu := range stuck {
			now, ok := readProc(id.pid)
			if !ok || now.start != id.start || now.gone() {
				delete(stuck, id)
				continue
			}
			spent += now.cpu - cpu
			if now.state == 'D' {
				waiting[i]++
			}
		}
	}
	if len(stuck) == 0 {
		return EvidenceExited
	}
	if spent >= spinTicks {
		return EvidenceSpin
	}
	for _, n := range waiting {
		if n == 0 {
			return EvidenceDeadlock
		}
	}
	return EvidenceUninterruptible
}
