package healthcheck

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/process"
)

// A starting worker is probed every startEvery at first; the wait grows by
// half each time up to startMost, or to the interval where that is shorter.
const (
	startEvery = 20 * time.Millisecond
	startMost  = 500 * time.Millisecond
)

// jitterShare is by how much of the interval a probe comes earlier or later,
// so that the upstreams are not all probed at one moment.
const jitterShare = 0.1

// patient is one upstream and the row of its probes.
type patient struct {
	upstream *pool.Upstream
	tracker  *Tracker
	status   pool.ProbeStatus
	wait     time.Duration // between probes while starting; 0: probed at the interval
	warming  *Warming      // before it gets requests; nil: nothing is asked
	warmed   int           // paths of warming that it has answered
}

// follow probes one upstream until ctx is done.
func (p *Prober) follow(ctx context.Context, u *pool.Upstream) {
	s := p.current()
	pt := &patient{upstream: u, tracker: NewTracker(s.MinSuccesses, s.MaxFailures)}
	said := (<-chan struct{})(nil)
	if u.Spawned && p.Warming != nil {
		pt.warming, said = p.Warming, u.SaidReady()
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	planned := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.replaced:
			s = p.current()
			pt.tracker.SetThresholds(s.MinSuccesses, s.MaxFailures)
		case <-said:
			said = nil
			if pt.due(s) {
				p.ask(ctx, s, pt, time.Now())
			}
		case <-timer.C:
			if pt.due(s) {
				p.ask(ctx, s, pt, planned)
			}
		}
		d := pt.next(s)
		planned = time.Now().Add(d)
		timer.Reset(d)
	}
}

// due tells whether the upstream is to be asked anything now.
func (pt *patient) due(s *settings) bool {
	u := pt.upstream
	switch {
	case u.Maintenance():
		return false
	case u.Address == "" && (s.Type == "http" || s.Type == "tcp"):
		return false // its supervisor has it replaced
	case u.State() == pool.Starting:
		return pt.toProve(s) || pt.toWarm(s)
	default:
		return s.Enabled && (u.State() == pool.Healthy || u.State() == pool.Unhealthy)
	}
}

// toProve tells whether a starting upstream becomes ready by probes.
func (pt *patient) toProve(s *settings) bool { return s.Enabled && !pt.ownWord(s) }

// toWarm tells whether a starting upstream is ready without probes, but for warming.
func (pt *patient) toWarm(s *settings) bool {
	if pt.warming == nil || pt.toProve(s) {
		return false
	}
	select {
	case <-pt.upstream.SaidReady():
		return true
	default:
		return false
	}
}

// ownWord tells whether the upstream becomes ready by its own word and not by probes.
func (pt *patient) ownWord(s *settings) bool { return s.byNotify && pt.upstream.Spawned }

// next returns how long to wait before the next probe.
func (pt *patient) next(s *settings) time.Duration {
	interval := max(s.Interval.Std(), time.Millisecond)
	if pt.upstream.State() == pool.Starting && (pt.toProve(s) || pt.toWarm(s)) {
		pt.wait = min(max(pt.wait+pt.wait/2, startEvery), startMost, interval)
		return pt.wait
	}
	if pt.wait > 0 {
		// It has just become ready, perhaps at one moment with others: begin anywhere.
		pt.wait = 0
		return interval/2 + rand.N(interval/2+1)
	}
	return interval + time.Duration((2*rand.Float64()-1)*jitterShare*float64(interval))
}

// ask does what is due.
func (p *Prober) ask(ctx context.Context, s *settings, pt *patient, planned time.Time) {
	if pt.upstream.State() == pool.Starting && !pt.toProve(s) {
		p.makeReady(ctx, s, pt)
		return
	}
	p.probe(ctx, s, pt, planned)
}

// makeReady warms a starting upstream that is well, and gives it to the pool
// once that is done. What it has answered it is not asked for again.
func (p *Prober) makeReady(ctx context.Context, s *settings, pt *patient) {
	u := pt.upstream
	if pt.warming != nil {
		pt.status.Warming = true
		u.SetProbe(pt.status)
		wctx, cancel := context.WithTimeout(ctx, s.warmTime) // the supervisor ends a worker that takes longer
		var err error
		pt.warmed, err = pt.warming.askFrom(wctx, targetOf(u), pt.warmed)
		cancel()
		if ctx.Err() != nil || u.Maintenance() || u.State() != pool.Starting {
			return // nobody asks any more
		}
		if err != nil {
			pt.status.LastError = err.Error()
			u.SetProbe(pt.status)
			return
		}
		pt.status.Warming, pt.status.LastError = false, ""
		u.SetProbe(pt.status)
	}
	p.pool.SetHealth(u.ID, true, nil)
}

func targetOf(u *pool.Upstream) Target {
	return Target{ID: u.ID, Network: u.Network, Address: u.Address, Worker: u.Spawned, Verify: u.Verify}
}

// probe asks the upstream once and reports.
func (p *Prober) probe(ctx context.Context, s *settings, pt *patient, planned time.Time) {
	u := pt.upstream
	start := time.Now()
	pctx, cancel := context.WithTimeout(ctx, s.timeout())
	err := s.check.Probe(pctx, targetOf(u))
	cancel()
	end := time.Now()
	if ctx.Err() != nil || u.Maintenance() || u.State() == pool.Removed {
		return // nobody asks any more
	}
	if err != nil && p.late(planned, start, end) {
		p.observe("late", end.Sub(start))
		return
	}
	if ownFault(err) {
		pt.status.LastError = err.Error()
		u.SetProbe(pt.status)
		p.observe("late", end.Sub(start)) // as after a pause: it never came to be asked
		return
	}
	pt.note(err, start, end)
	// Status first: whoever is told of the new state finds the reason.
	verdict := pt.tracker.Record(err == nil)
	pt.status.Failures = pt.tracker.Failures()
	u.SetProbe(pt.status)
	switch verdict {
	case Well:
		// A worker that speaks for itself may have been waiting for its word all the while.
		if u.State() != pool.Starting {
			p.pool.SetHealth(u.ID, true, nil)
		} else if !pt.ownWord(s) {
			p.makeReady(ctx, s, pt)
		}
	case Ill:
		p.pool.SetHealth(u.ID, false, err)
	}
	if err == nil {
		p.observe("pass", end.Sub(start))
	} else {
		p.observe("fail", end.Sub(start))
	}
}

// late tells whether a failed probe is our own fault: the timer that began it
// was late, or we stood still while it lasted.
func (p *Prober) late(planned, start, end time.Time) bool {
	return start.Sub(planned) > pulseSlack || p.pulse.stoodStill(start, end)
}

// ownFault tells whether a probe failed because drover, or the machine, is short
// of something, also of processes: nobody was asked.
func ownFault(err error) bool {
	if start, ok := errors.AsType[*process.StartError](err); ok {
		return start.Op == "fork"
	}
	return pool.OwnFault(err)
}

// note writes a probe into the status.
func (pt *patient) note(err error, start, end time.Time) {
	st := &pt.status
	if err != nil {
		if pt.tracker.Failures() == 0 {
			st.FirstFailure = start
		}
		st.LastError = err.Error()
		return
	}
	d := end.Sub(start)
	if st.Passed++; st.Passed == 1 {
		st.Latency = d
	} else {
		st.Latency += (d - st.Latency) / 8
	}
	st.LastPassed, st.LastError, st.FirstFailure = end, "", time.Time{}
}

func (p *Prober) observe(result string, d time.Duration) {
	if p.obs != nil {
		p.obs.HealthCheck(p.pool.Name(), result, d)
	}
}
