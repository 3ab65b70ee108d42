package config

// AutoScaling is how many workers a pool has, by what they have to do.
type AutoScaling struct {
	// Whether the number of workers follows the load; workers is then the number at the start.
	Enabled bool `yaml:"enabled" reload:"apply"`
	// The fewest workers.
	MinWorkers int `yaml:"minWorkers" range:"1..1024" reload:"apply"`
	// The most workers.
	MaxWorkers int `yaml:"maxWorkers" range:"1..1024" reload:"apply"`
	// How many requests a worker should have at a time; 0 is four fifths of queue.maxInFlightPerWorker, and does not matter where that is 0 too.
	TargetInFlightPerWorker int `yaml:"targetInFlightPerWorker" range:"0..1000000" reload:"apply"`
	// What asks for more workers; 0 does not matter.
	ScaleUpThreshold ScaleUpThreshold `yaml:"scaleUpThreshold"`
	// What must hold before a worker is taken away.
	ScaleDownThreshold ScaleDownThreshold `yaml:"scaleDownThreshold"`
	// From one addition to the next; requests that wait longer than queueWait are not kept waiting by it.
	ScaleUpCooldown Duration `yaml:"scaleUpCooldown" range:"0..24h" reload:"apply"`
	// From the last change to the next worker that is taken away.
	ScaleDownCooldown Duration `yaml:"scaleDownCooldown" range:"0..24h" reload:"apply"`
	// How many workers are added or taken away at once.
	Step int `yaml:"step" range:"1..1024" reload:"apply"`
}

// ScaleUpThreshold is what asks for more workers. 0 does not matter.
type ScaleUpThreshold struct {
	// CPU of a worker, in percent of one core.
	CPU int `yaml:"cpu" range:"0..100000" reload:"apply"`
	// Mean time to the first byte; it adds to what something else asks for, and alone only keeps workers from being taken away.
	ResponseTime Duration `yaml:"responseTime" range:"0..24h" reload:"apply"`
	// Requests that wait for a worker.
	QueueLength int `yaml:"queueLength" range:"0..1000000" reload:"apply"`
	// How long the first of them has waited; longer adds a worker at once, unless one is starting.
	QueueWait Duration `yaml:"queueWait" range:"0..24h" reload:"apply"`
}

// ScaleDownThreshold is what must hold, all of it, before a worker is taken away.
type ScaleDownThreshold struct {
	// CPU of a worker below this, in percent of one core; 0 does not matter.
	CPU int `yaml:"cpu" range:"0..100000" reload:"apply"`
	// For how long fewer workers must have been enough.
	IdleTime Duration `yaml:"idleTime" range:"0..24h" reload:"apply"`
}

// InFlightTarget returns how many requests a worker of the pool should have at
// a time, 0 where that does not matter.
func (p *Pool) InFlightTarget() float64 {
	if n := p.AutoScaling.TargetInFlightPerWorker; n > 0 {
		return float64(n)
	}
	return float64(p.Queue.MaxInFlightPerWorker) * 4 / 5
}
