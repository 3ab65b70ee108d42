package main

import (
	"github.com/drover-proxy/drover/monitor"
	"github.com/drover-proxy/drover/pool"
)

// setLoad tells a worker's supervisor what its processes use, and its upstream
// how busy they are, for the strategies that look at it.
func (d *drover) setLoad(id string, s monitor.Sample) {
	for _, u := range d.unstopped() {
		if u.sup == nil || !u.sup.NoteMemory(id, s.Charged) {
			continue
		}
		if up := u.pool.Get(id); up != nil {
			load := pool.Load{CPU: s.CPU, Memory: s.RSS}
			if limit := u.pool.Config().Resources.MaxMemoryPerWorker; limit > 0 {
				load.MemoryRatio = float64(s.Charged) / float64(limit)
			}
			up.SetLoad(load)
		}
		return
	}
}
