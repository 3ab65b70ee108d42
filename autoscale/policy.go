package autoscale

import (
	"time"

	"github.com/drover-proxy/drover/config"
)

// Policy is what a pool's settings say of its number of workers. A threshold of
// 0 does not matter.
type Policy struct {
	Enabled        bool
	Min, Max, Step int

	// What asks for more.
	InFlight     float64 // requests per worker
	CPU          float64 // cores per worker
	ResponseTime time.Duration
	QueueLength  int
	QueueWait    time.Duration

	// What lets a worker go.
	CalmCPU float64       // cores per worker: below this
	Calm    time.Duration // for so long

	UpCooldown, DownCooldown time.Duration
}

// NewPolicy reads the settings of a pool.
func NewPolicy(p *config.Pool) Policy {
	a := p.AutoScaling
	up, down := a.ScaleUpThreshold, a.ScaleDownThreshold
	return Policy{
		Enabled: a.Enabled, Min: a.MinWorkers, Max: a.MaxWorkers, Step: a.Step,
		InFlight: p.InFlightTarget(), CPU: float64(up.CPU) / 100, ResponseTime: up.ResponseTime.Std(),
		QueueLength: up.QueueLength, QueueWait: up.QueueWait.Std(),
		CalmCPU: float64(down.CPU) / 100, Calm: down.IdleTime.Std(),
		UpCooldown: a.ScaleUpCooldown.Std(), DownCooldown: a.ScaleDownCooldown.Std(),
	}
}

// within bounds a number of workers.
func (p Policy) within(n int) int { return min(max(n, p.Min), p.Max) }
