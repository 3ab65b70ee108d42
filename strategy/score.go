package strategy

import (
	"math"
	"time"

	"github.com/drover-proxy/drover/pool"
)

// vitals are what is known of how well one upstream is doing.
type vitals struct {
	errorRate      float64       // 0 to 1
	latency        time.Duration // 0: not known
	probeFailures  int           // in a row
	cpu            float64       // cores; 0: not known
	resident       float64       // bytes of memory; 0: not known
	memory         float64       // of the limit; 0: none
	eventLoopDelay time.Duration // 0: not known
}

func vitalsOf(u *pool.Upstream) vitals {
	load, probe := u.Load(), u.Probe()
	v := vitals{
		errorRate: u.ErrorRate(), latency: u.Latency(), probeFailures: probe.Failures,
		cpu: load.CPU, resident: float64(load.Memory), memory: load.MemoryRatio, eventLoopDelay: load.EventLoopDelay,
	}
	if v.latency == 0 {
		v.latency = probe.Latency
	}
	return v
}

// peers are the averages that an upstream is compared with.
type peers struct {
	latency  time.Duration
	cpu      float64
	resident float64
}

func peersOf(ups []*pool.Upstream) peers {
	var latency, cpu, resident float64
	var latencies, cpus, residents int
	for _, u := range ups {
		v := vitalsOf(u)
		if v.latency > 0 {
			latency += float64(v.latency)
			latencies++
		}
		if v.cpu > 0 {
			cpu += v.cpu
			cpus++
		}
		if v.resident > 0 {
			resident += v.resident
			residents++
		}
	}
	return peers{
		latency:  time.Duration(latency / float64(max(latencies, 1))),
		cpu:      cpu / float64(max(cpus, 1)),
		resident: resident / float64(max(residents, 1)),
	}
}

// The bounds of a score. An upstream that does well like all others scores 1.
const (
	leastScore = 0.03
	mostScore  = 2
)

// The points from which a vital sign begins to weigh.
const (
	latencyGrain   = 500 * time.Microsecond // differences of less are noise
	cpuGrain       = 0.1                    // cores
	residentGrain  = 64 << 20               // bytes
	memoryFrom     = 0.8                    // of the limit, down to nothing at the limit
	eventLoopGrain = 50 * time.Millisecond  // a delay of this halves the score
)

// score says how much traffic an upstream deserves beside its peers. Each sign
// is a smooth factor: no threshold sends traffic to and fro.
func score(v vitals, p peers) float64 {
	s := math.Pow(1-min(max(v.errorRate, 0), 1), 3) // 10% errors: 0.73; 50%: 0.13
	if v.latency > 0 {
		s *= bounded(float64(p.latency+latencyGrain)/float64(v.latency+latencyGrain), 0.05, mostScore)
	}
	if v.probeFailures > 0 {
		s *= math.Pow(0.5, float64(v.probeFailures))
	}
	if v.cpu > 0 {
		s *= bounded(math.Sqrt((p.cpu+cpuGrain)/(v.cpu+cpuGrain)), 0.25, mostScore)
	}
	if v.resident > 0 { // one that is small has just started, which is no merit
		s *= bounded(math.Sqrt((p.resident+residentGrain)/(v.resident+residentGrain)), 0.25, 1)
	}
	if v.memory > memoryFrom {
		s *= max((1-v.memory)/(1-memoryFrom), 0)
	}
	if v.eventLoopDelay > 0 {
		s *= 1 / (1 + float64(v.eventLoopDelay)/float64(eventLoopGrain))
	}
	return bounded(s, leastScore, mostScore)
}

func bounded(x, least, most float64) float64 { return min(max(x, least), most) }
