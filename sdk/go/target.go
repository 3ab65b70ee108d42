package drover

// Target names one receiver: the worker Worker, or one of the pool Pool, never
// the sender, that Pick chooses. The zero Target is a random other worker of the
// sender's own pool.
type Target struct {
	Worker string // app-3, the newest in slot 3, or app-3.7
	Pool   string // empty: the sender's own
	Pick   string // Random (also if empty) or LeastBusy
}

// How one of a pool is chosen.
const (
	Random    = "random"
	LeastBusy = "least-busy"
)

// AllPools as the pool of a broadcast is every pool that the sender may send to.
const AllPools = "*"

func (l line) target(t Target) line {
	return l.optional("worker", t.Worker).optional("pool", t.Pool).optional("pick", t.Pick)
}

// pool is that of the receiver: what is encrypted is encrypted for it.
func (t Target) pool(own string) string {
	if t.Worker != "" {
		pool, _, _ := splitID(t.Worker)
		return pool
	}
	if t.Pool != "" {
		return t.Pool
	}
	return own
}
