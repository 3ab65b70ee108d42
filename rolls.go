package main

import (
	"slices"
	"sync"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/supervisor"
)

// rememberedRolls is how many rolling restarts can still be asked about.
const rememberedRolls = 100

// rolls remembers rolling restarts, so that a client that waits for one can
// learn its outcome. Its methods may be called concurrently.
type rolls struct {
	mu     sync.Mutex
	recent []*supervisor.Roll // oldest first
}

// add remembers a roll and returns its id.
func (r *rolls) add(started *supervisor.Roll) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.recent) == rememberedRolls {
		r.recent = r.recent[1:]
	}
	r.recent = append(r.recent, started)
	return started.ID
}

// operation is what is known of a roll.
func (r *rolls) operation(id string) (admin.Operation, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Newest first: a pool that a reload took away and brought back counts its rolls from 1 again.
	for _, roll := range slices.Backward(r.recent) {
		if roll.ID == id {
			return operationOf(roll), true
		}
	}
	return admin.Operation{}, false
}

// running returns the id of the roll of a pool that goes on, or nothing.
func (r *rolls) running(pool string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, roll := range r.recent {
		if roll.Pool == pool && operationOf(roll).State == admin.Running {
			return roll.ID
		}
	}
	return ""
}

func operationOf(roll *supervisor.Roll) admin.Operation {
	op := admin.Operation{ID: roll.ID, Kind: string(roll.Reason), Pool: roll.Pool, State: admin.Running}
	select {
	case <-roll.Done():
		op.State = admin.Succeeded
		if err := roll.Err(); err != nil {
			op.State, op.Message = admin.Failed, err.Error()
		}
	default:
	}
	return op
}
