package main

import (
	"errors"
	"strings"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/supervisor"
)

// supervised returns the supervisor of a pool.
func (b backend) supervised(name string) (*supervisor.Supervisor, error) {
	u := b.d.unit(name)
	if u == nil {
		return nil, admin.NotFound("there is no pool %s; there are: %s", name, strings.Join(b.d.current().PoolNames(), ", "))
	}
	if u.sup == nil {
		return nil, admin.Conflict("pool %s has no workers: its upstreams are addresses", name)
	}
	if b.d.front.Draining() {
		return nil, admin.Conflict("drover is stopping")
	}
	return u.sup, nil
}

// Scale sets the number of workers of a pool; auto goes back to the settings'.
func (b backend) Scale(name string, n int, auto bool) error {
	sup, err := b.supervised(name)
	if err != nil {
		return err
	}
	if auto {
		return refusal(sup.ScaleAuto())
	}
	return refusal(sup.Scale(n))
}

// Restart begins a rolling restart.
func (b backend) Restart(name string) (string, error) {
	sup, err := b.supervised(name)
	if err != nil {
		return "", err
	}
	roll, err := sup.Restart()
	if err != nil {
		return "", refusal(err)
	}
	return b.d.rolls.add(roll), nil
}

// workerVerbs are what can be done to a worker.
var workerVerbs = map[string]func(*supervisor.Supervisor, string) error{
	"drain":   (*supervisor.Supervisor).WorkerDrain,
	"resume":  (*supervisor.Supervisor).WorkerResume,
	"restart": (*supervisor.Supervisor).WorkerRestart,
	"stop":    (*supervisor.Supervisor).WorkerStop,
}

// Worker drains, resumes, restarts or stops one worker.
func (b backend) Worker(id, verb string) error {
	act, ok := workerVerbs[verb]
	if !ok {
		return admin.NotFound("a worker cannot %s", verb)
	}
	for _, u := range b.d.allUnits() {
		if u.sup == nil {
			continue
		}
		err := act(u.sup, id)
		if !errors.Is(err, supervisor.ErrUnknownWorker) {
			return refusal(err)
		}
	}
	return admin.NotFound("there is no worker %s; drover workers lists them", id)
}

// Upstream drains, resumes, puts into maintenance or weighs one upstream.
func (b backend) Upstream(id, verb string, n int) error {
	var owners []*pool.Pool
	for _, u := range b.d.allUnits() {
		if u.pool.Get(id) != nil {
			owners = append(owners, u.pool)
		}
	}
	if len(owners) == 0 {
		return admin.NotFound("there is no upstream %s; drover pools lists them", id)
	}
	// An address may stand in several pools; what is done to the machine behind
	// it is meant for all of them.
	for _, p := range owners {
		switch verb {
		case "drain":
			p.SetDrained(id, true)
		case "resume":
			p.SetDrained(id, false)
			p.SetMaintenance(id, false)
		case "maintenance":
			p.SetMaintenance(id, true)
		case "weight":
			p.SetWeight(id, n)
		}
	}
	return nil
}
