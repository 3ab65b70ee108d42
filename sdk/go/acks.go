package drover

import "sync"

// acks keeps which messages are handled. An acknowledgement counts for all
// messages before, so it is sent when these are done, too.
type acks struct {
	out  *outbox
	mu   sync.Mutex
	open []*delivery // in the order in which they came
}

// delivery is a message on its way through the handlers.
type delivery struct {
	seq   uint64 // 0: the sender does not wait for an acknowledgement
	done  bool
	error *Error
}

// take adds a message.
func (a *acks) take(seq uint64) *delivery {
	d := &delivery{seq: seq}
	if seq == 0 {
		return d
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open = append(a.open, d)
	return d
}

// settle says that a message is handled, or refused. Only the first word counts.
func (a *acks) settle(d *delivery, err *Error) {
	if d.seq == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if d.done {
		return
	}
	d.done, d.error = true, err
	n, last := 0, uint64(0)
	for ; n < len(a.open) && a.open[n].done; n++ {
		if first := a.open[n]; first.error != nil {
			a.out.refuse(first.seq, first.error)
			last = 0
		} else {
			last = first.seq
		}
	}
	if last != 0 {
		a.out.acknowledge(last)
	}
	clear(a.open[:n])
	a.open = a.open[n:]
}
