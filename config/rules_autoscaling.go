package config

import "fmt"

// autoScaling refuses what contradicts itself, and what could never change anything.
func (v *validator) autoScaling(pool string, p *Pool) {
	a, key := p.AutoScaling, pool+".autoScaling"
	if a.MinWorkers > a.MaxWorkers {
		v.fault(key+".minWorkers", fmt.Sprintf("%d exceeds maxWorkers %d", a.MinWorkers, a.MaxWorkers), "make it smaller than the maxWorkers")
	}
	up, down := a.ScaleUpThreshold, a.ScaleDownThreshold
	if up.CPU > 0 && down.CPU >= up.CPU {
		v.fault(key+".scaleDownThreshold.cpu", fmt.Sprintf("%d is not below scaleUpThreshold.cpu %d, so that workers would come and go", down.CPU, up.CPU),
			"make it less than half")
	}
	if !a.Enabled {
		return
	}
	if len(p.Command) == 0 {
		v.fault(key+".enabled", "the pool has no command, and only workers can be added", "add command: [PROGRAM, ARGUMENT], or remove it")
	}
	if n := p.Workers; n != Auto && a.MinWorkers <= a.MaxWorkers && (int(n) < a.MinWorkers || int(n) > a.MaxWorkers) {
		v.fault(pool+".workers", fmt.Sprintf("%d is not within autoScaling.minWorkers and maxWorkers, %d to %d", n, a.MinWorkers, a.MaxWorkers),
			"choose the number to start with between them")
	}
	if up.CPU == 0 && up.QueueLength == 0 && up.QueueWait == 0 && p.InFlightTarget() == 0 {
		v.fault(key, "nothing asks for more workers", "set targetInFlightPerWorker, or cpu, queueLength or queueWait of scaleUpThreshold")
	}
}
