package ipc

import (
	"math/rand/v2"
)

// Ways to choose one worker of a pool.
const (
	PickRandom    = "random"     // the default
	PickLeastBusy = "least-busy" // the fewest requests in flight, over HTTP and over the channel
)

// everyPool stands for all pools that a sender may send to.
const everyPool = "*"

// Target names the receiver of a message: one Worker, POOL-SLOT (the newest in
// that slot) or POOL-SLOT.GENERATION, or else one of Pool, chosen by Pick.
type Target struct{ Worker, Pool, Pick string }

// takesPart says whether messages are routed to the worker: it has said hello
// or sent something, or is ready for requests. (One that is only starting may
// not read yet, and would get a message before it has a handler.)
func (e *Endpoint) takesPart() bool {
	if e.takes.Load() {
		return true
	}
	if _, ready := e.load(); ready && e.hub.options.Load != nil {
		e.takes.Store(true)
		return true
	}
	return false
}

func (e *Endpoint) load() (inFlight int64, ready bool) {
	if e.hub.options.Load == nil {
		return 0, true
	}
	return e.hub.options.Load(e.place.pool, e.id)
}

// may asks the access rules. What drover itself says is allowed.
func (h *Hub) may(m *message, pool string) *Error {
	if m.from.worker == nil || h.options.ACL.Allows(m.from.pool, pool, m.kind) {
		return nil
	}
	return refuse(CodeForbidden, "ipc.allow does not let pool %s send %s to pool %.100s", m.from.pool, m.kind, pool)
}

// pick chooses the one receiver of a message.
func (h *Hub) pick(t Target, from *Endpoint, m *message) (*Endpoint, *Error) {
	r := h.present.Load()
	if t.Worker != "" {
		if t.Pool != "" || t.Pick != "" {
			return nil, refuse(CodeBadFrame, "give either worker or pool and pick")
		}
		// The rules first: who may not send learns nothing.
		if err := h.may(m, parsePlace(t.Worker).pool); err != nil {
			return nil, err
		}
		e := r.find(t.Worker)
		if e == nil || !e.takesPart() {
			return nil, refuse(CodeNoTarget, "there is no worker %.100q that takes messages", t.Worker)
		}
		return e, nil
	}
	pool := t.Pool
	if pool == "" {
		pool = m.from.pool
	}
	if err := h.may(m, pool); err != nil {
		return nil, err
	}
	if e := choose(r.all, pool, t.Pick, from); e != nil {
		return e, nil
	}
	return nil, refuse(CodeNoTarget, "there is no other worker in pool %.100q that takes messages", pool)
}

// choose picks one of the pool's workers but except, in one pass: one that is
// ready before one that is not, the least busy where that is wanted, else each
// with the same chance.
func choose(all []*Endpoint, pool, pick string, except *Endpoint) *Endpoint {
	var best *Endpoint
	var bestReady bool
	var bestBusy int64
	ties := 0
	for _, e := range all {
		if e == except || e.place.pool != pool || !e.takesPart() {
			continue
		}
		inFlight, ready := e.load()
		var busy int64
		if pick == PickLeastBusy {
			busy = inFlight + e.open()
		}
		switch {
		case best == nil || ready && !bestReady || ready == bestReady && busy < bestBusy:
			best, bestReady, bestBusy, ties = e, ready, busy, 1
		case ready == bestReady && busy == bestBusy:
			if ties++; rand.IntN(ties) == 0 { // reservoir sampling (Vitter 1985)
				best = e
			}
		}
	}
	return best
}

// open is how many requests over the channel the worker has not answered.
func (e *Endpoint) open() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return int64(len(e.duties))
}

// audience finds the receivers of a message to many: the workers of the pool,
// or of every pool that the sender may send to, for which want holds.
func (h *Hub) audience(pool string, m *message, want func(*Endpoint) bool) ([]*Endpoint, *Error) {
	r := h.present.Load()
	if pool == "" {
		pool = m.from.pool
	}
	allowed := map[string]bool{}
	if pool != everyPool {
		if err := h.may(m, pool); err != nil {
			return nil, err
		}
		allowed[pool] = true
	} else {
		for _, p := range r.pools {
			allowed[p] = h.may(m, p) == nil
		}
	}
	var to []*Endpoint
	for _, e := range r.all {
		if allowed[e.place.pool] && e != m.from.worker && e.takesPart() && (want == nil || want(e)) {
			to = append(to, e)
		}
	}
	return to, nil
}
