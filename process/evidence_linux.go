package process

import "time"

const (
	evidenceLook = 100 * time.Millisecond
	// clockTicks is USER_HZ, which Linux fixes at 100 a second for all that Go runs on.
	clockTicks = 100
	// spinTicks of CPU in one look mean spinning: half a core. Where the machine has less to give,
	// being ready to run each time it is looked at means the same.
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
	const looks = 4
	var running, waiting int // looks in which a thread was ready to run, or in uninterruptible sleep
	var spent uint64
	for range looks {
		time.Sleep(evidenceLook / looks)
		spent = 0
		states := make(map[byte]int)
		for id, cpu := range stuck {
			now, ok := readProc(id.pid)
			if !ok || now.start != id.start || now.gone() {
				delete(stuck, id)
				continue
			}
			spent += now.cpu - cpu
			for _, state := range now.threadStates() {
				states[state]++
			}
		}
		running += min(states['R'], 1)
		waiting += min(states['D'], 1)
	}
	if len(stuck) == 0 {
		return EvidenceExited
	}
	switch {
	case spent >= spinTicks, running == looks:
		return EvidenceSpin
	case waiting == looks:
		return EvidenceUninterruptible
	}
	return EvidenceDeadlock
}
