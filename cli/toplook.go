package cli

import (
	"strings"
	"time"

	"github.com/drover-proxy/drover/admin"
)

// look is what the running drover said at one moment.
type look struct {
	at      time.Time
	status  admin.Status
	pools   []admin.Pool
	workers []admin.Worker
}

// line is one line of a table of top: a pool, a worker or an address.
type line struct {
	name, pool    string
	isPool        bool
	spawned       bool // drover started it
	scales        bool // of a pool: drover starts workers for it
	state, health string
	flag          string // drained, maintenance; of a pool rolling, or manual: an operator's number holds, not that of autoscaling
	ready, wanted int
	failed        int
	rated         bool    // rate is known
	rate          float64 // requests per second
	latency       float64 // milliseconds
	errors        float64 // 0 to 1
	cpu           float64 // percent of one core
	memory        uint64
	inFlight      int64
	queue         int
	uptime        float64 // seconds; 0 for what drover did not start
	restarts      int
	reason        string // why the last one left
	leak          string
	checks        string
}

// lines makes the tables' lines of what is now, with the rates since before;
// that may be nil.
func lines(before, now *look) (pools, upstreams []line) {
	if before != nil && before.status.PID != now.status.PID {
		before = nil // another drover counts from 0
	}
	counted := map[string]uint64{}
	seconds := 0.0
	if before != nil {
		seconds = now.at.Sub(before.at).Seconds()
		for _, p := range before.pools {
			for _, u := range p.Upstreams {
				counted[p.Name+" "+u.ID] = u.Requests
			}
		}
	}
	for _, p := range now.pools {
		of := poolLine(p)
		members, at := []line{}, map[string]int{}
		for _, w := range now.workers {
			if w.Pool == p.Name {
				at[w.ID] = len(members)
				members = append(members, workerLine(w))
			}
		}
		for _, u := range p.Upstreams {
			i, isWorker := at[u.ID]
			if !isWorker {
				i, members = len(members), append(members, addressLine(p.Name, u))
			}
			m := &members[i]
			m.latency, m.errors = u.LatencyMS, u.ErrorRate
			if seconds > 0 {
				// What was not there before has served all of its requests since.
				m.rate, m.rated = float64(u.Requests-min(counted[p.Name+" "+u.ID], u.Requests))/seconds, true
			}
		}
		for _, m := range members {
			of.add(m)
		}
		of.rated = seconds > 0
		of.mean(members)
		pools, upstreams = append(pools, of), append(upstreams, members...)
	}
	return pools, upstreams
}

func poolLine(p admin.Pool) line {
	l := line{name: p.Name, pool: p.Name, isPool: true, health: p.Health, ready: p.Ready, wanted: p.Wanted, failed: p.Failed,
		inFlight: p.InFlight, queue: p.QueueLength, scales: p.Spawns}
	if !l.scales {
		l.ready, l.wanted = p.Available, p.UpstreamCount
	}
	switch {
	case p.Rolling != "":
		l.flag = "rolling"
	case p.AutoScaling != nil && p.AutoScaling.Manual:
		l.flag = "manual"
	}
	return l
}

func workerLine(w admin.Worker) line {
	l := line{name: w.ID, pool: w.Pool, spawned: true, state: w.State, health: w.Health, cpu: w.CPUPercent, memory: w.MemoryBytes,
		inFlight: w.InFlight, uptime: w.UptimeSeconds, restarts: w.Restarts, reason: w.LastReason, leak: leak(w.Leak)}
	if w.PID == 0 {
		l.uptime = 0
	}
	l.flag = marked(w.Drained, w.Maintenance)
	if len(w.Checks) > 0 {
		l.checks = checks(w.Checks)
	}
	return l
}

func addressLine(pool string, u admin.Upstream) line {
	return line{name: u.ID, pool: pool, state: "address", health: u.Health, inFlight: u.InFlight, flag: marked(u.Drained, u.Maintenance)}
}

func marked(drained, maintenance bool) string {
	switch {
	case maintenance:
		return "maintenance"
	case drained:
		return "drained"
	}
	return ""
}

// add counts a member into its pool.
func (l *line) add(m line) {
	l.rate += m.rate
	l.cpu += m.cpu
	l.memory += m.memory
	l.restarts += m.restarts
}

// mean gives a pool the latency and the errors of its members, each with the
// weight of what it served.
func (l *line) mean(members []line) {
	weights := 0.0
	for _, m := range members {
		l.latency += m.latency * m.rate
		l.errors += m.errors * m.rate
		weights += m.rate
	}
	if weights > 0 {
		l.latency, l.errors = l.latency/weights, l.errors/weights
	}
}

// contains reports whether some word of the line has text in it.
func (l *line) contains(text string) bool {
	words := strings.Join([]string{l.name, l.pool, l.state, l.health, l.flag, l.reason, l.leak, l.checks}, "\n")
	return strings.Contains(strings.ToLower(words), strings.ToLower(text))
}

// key tells lines apart: a pool and an address may have the same name.
func (l *line) key() string {
	if l.isPool {
		return "pool " + l.name
	}
	return l.pool + " " + l.name
}
