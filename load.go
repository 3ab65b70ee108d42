package main

import (
	"github.com/drover-proxy/drover/monitor"
	"github.com/drover-proxy/drover/pool"
)

// setLoad tells the upstream of a worker how busy its processes are, for the
// strategies that look at it.
func (d *drover) setLoad(id string, s monitor.Sample) {
	for _, u := range d.allUnits() {
		if up := u.pool.Get(id); up != nil {
			up.SetLoad(pool.Load{CPU: s.CPU, Memory: s.RSS})
			return
		}
	}
}
