package autoscale

// Reason is why the number of workers changes. It is a metric label, so the set is closed.
type Reason string

// The signals that ask for more workers, and why one is taken away.
const (
	InFlight     Reason = "in-flight"
	CPU          Reason = "cpu"
	Memory       Reason = "memory"
	QueueWait    Reason = "queue-wait"
	QueueLength  Reason = "queue-length"
	ResponseTime Reason = "response-time"
	Idle         Reason = "idle"
)

var reasons = []Reason{InFlight, CPU, Memory, QueueWait, QueueLength, ResponseTime, Idle}

// direction is where the number of workers goes for the reason.
func (r Reason) direction() string {
	if r == Idle {
		return "down"
	}
	return "up"
}

// Block is why workers that the signals ask for are not started.
type Block string

// The guards.
const (
	Manual     Block = "manual"      // an operator said how many
	Rolling    Block = "rolling"     // a rolling restart is in progress
	AtMax      Block = "max-workers" // there are as many as there may be
	HostCPU    Block = "host-cpu"    // the machine, or the container, has no CPU left
	HostMemory Block = "host-memory" // the machine, or the container, has no memory left
)
