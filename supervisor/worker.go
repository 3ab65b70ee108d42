package supervisor

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// settings are what workers are started with. Two rolls have two of them even
// where the settings are equal, so that old and new workers can be told apart.
type settings struct {
	cfg  *config.Pool
	told bool // people know which of their limits do not hold as asked
}

// worker is one place in a slot and, while it lives, one process. All fields
// are the supervisor's, under its lock.
type worker struct {
	generation int
	id         string
	settings   *settings

	state   State
	since   time.Time      // in this state; while starting, since it runs
	runs    bool           // its process was seen
	run     *runner        // nil without a process
	up      *pool.Upstream // nil unless in the pool
	started time.Time
	readyAt time.Time // zero: never
	retryAt time.Time // in Backoff and Failed
	killed  bool      // SIGKILL was ordered

	reason  Reason // why it leaves, or left
	message string // the same in words
	replace Reason // why it is to be replaced though no roll says so; "" when it is not

	memory uint64    // bytes of its limit that it uses, as last measured; 0: not known
	warned bool      // it was told of for its memory, and has not come down since
	hinted time.Time // when it was last asked to collect its garbage

	zombies int // how many it was told of for; it is told of again when they have doubled

	dueAt     time.Time // when replace was set
	luck      float64   // 0 to 1: how much of recycleJitter it is recycled early
	postponed time.Time // it is not recycled before, since its replacement failed
}

// slot is one of the places of a pool. It has at most two workers: the current
// one, and either the next (its replacement, not ready yet) or the last (the one
// it replaced, on its way out).
type slot struct {
	number     int
	generation int // of the newest worker

	current, next, last *worker

	policy   *RestartPolicy
	retiring bool // scaled in
	held     bool // an operator stopped it
	ended    bool // it ended and respawn is off
	failed   bool // its budget was spent, and no worker of it was ready since

	ready    bool // a worker of it was ready once
	failures int  // tries in a row that did not become ready
	exits    int  // unplanned ends before ready, until ready once
	timedOut bool // a worker was not ready within startTimeout

	restarts   uint64
	lastReason Reason
	lastWords  string // how its last worker ended
	history    []Life // of its workers that ended, the newest last
}

// workers returns the workers of the slot, the current one first.
func (sl *slot) workers() []*worker {
	out := make([]*worker, 0, 2)
	for _, w := range []*worker{sl.current, sl.next, sl.last} {
		if w != nil {
			out = append(out, w)
		}
	}
	return out
}

// promote makes the next worker the current one; the current one is the last.
func (sl *slot) promote() {
	sl.last, sl.current, sl.next = sl.current, sl.next, nil
}

// drop forgets a worker that has no process any more.
func (sl *slot) drop(w *worker) {
	switch w {
	case sl.next:
		sl.next = nil
	case sl.last:
		sl.last = nil
	case sl.current:
		switch {
		case sl.next != nil:
			sl.current, sl.next = sl.next, nil
		case sl.held || sl.ended: // stays to be seen, as stopped
		default:
			sl.current = nil
		}
	}
}

// forgive starts a slot afresh: what an operator asks for, or new settings, may
// have mended what was wrong.
func (sl *slot) forgive() {
	sl.held, sl.ended, sl.failed, sl.failures = false, false, false, 0
	if sl.policy != nil {
		sl.policy.Forgive()
	}
}

// live reports whether the worker has, or may have, a process.
func (w *worker) live() bool { return w != nil && w.state.Live() }

// running reports whether the worker is ready and gets requests.
func (w *worker) running() bool { return w != nil && w.state == Running }

// well reports whether the worker passes its health checks: others get no requests.
func (w *worker) well() bool { return w.up != nil && w.up.State() == pool.Healthy }

// workerID is POOL-SLOT.GENERATION.
func workerID(poolName string, slot, generation int) string {
	return fmt.Sprintf("%s-%d.%d", poolName, slot, generation)
}

// parseID reads app-3 (generation 0: the newest) or app-3.7 of the given pool.
func parseID(poolName, id string) (slot, generation int, ok bool) {
	rest, ok := strings.CutPrefix(id, poolName+"-")
	if !ok {
		return 0, 0, false
	}
	slotText, genText, exact := strings.Cut(rest, ".")
	if slot, ok = ordinal(slotText); !ok || !exact {
		return slot, 0, ok
	}
	generation, ok = ordinal(genText)
	return slot, generation, ok
}

// ordinal reads a number from 1, in the one form in which it is written.
func ordinal(text string) (n int, ok bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && strconv.Itoa(n) == text
}
