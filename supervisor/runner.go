package supervisor

import (
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/process"
)

// How often a runner looks for something it is not told of.
const (
	lookFirst    = 5 * time.Millisecond // for the listener, doubling
	lookLongest  = 50 * time.Millisecond
	lookSeldom   = 2 * time.Second        // where there need not be one
	stolenAfter  = 250 * time.Millisecond // a foreign listener seen this long is no accident of timing
	zombieLook   = 5 * time.Second        // for children that nobody waits for
	killAgain    = 2 * time.Second        // a process in an uninterruptible sleep takes the signal late
	dumpTime     = time.Second            // in which a worker that hangs may write down what it is doing
	killAttempts = 5                      // after which it is left alone
)

// order is what a runner is asked to do with its process.
type order struct {
	kind  orderKind
	sig   syscall.Signal // of orderTerminate
	grace time.Duration  // of orderTerminate
	cause string         // of orderDestroy
	dump  syscall.Signal // of orderDestroy; 0: none
}

type orderKind uint8

const (
	orderTerminate orderKind = iota // stop signal
	orderKill                       // SIGKILL the tree
	orderDestroy                    // the same after keeping evidence, and a dump where there is a signal for it
	orderCollect                    // ask for a garbage collection
)

// facts is what a runner knows of its process.
type facts struct {
	proc      proc                 // nil until started
	verify    func(net.Conn) error // of connections to it
	limits    []Limit
	startErr  error
	address   address // where it listens, once found
	found     bool
	stolen    bool   // somebody else listens there
	elsewhere string // where it listens instead
	zombies   int    // its ended children that it does not wait for
	inspector string // where it listens for a debugger
	saidReady bool
	exited    bool // the direct child was reaped
	exit      process.Exit
	oom       bool // the kernel killed a part of it that used more memory than it may
	stuck     bool // it does not end, whatever is done
	portTaken bool // it ended before it listened, and its port is in use
	gone      bool // nothing of the tree is left, everything was given back
}

// runner is the one goroutine that owns a worker's process: it starts it, looks
// for its listener, signals it, and buries its tree. Others read its facts and
// send it orders.
type runner struct {
	plan   plan
	launch launcher
	wake   func() // told after each change of the facts
	orders chan order

	mu    sync.Mutex
	facts facts
}

func newRunner(p plan, launch launcher, wake func()) *runner {
	return &runner{plan: p, launch: launch, wake: wake, orders: make(chan order, 8)}
}

// look returns the present facts.
func (r *runner) look() facts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.facts
}

// send gives an order without waiting. There are never as many as the buffer holds.
func (r *runner) send(o order) {
	select {
	case r.orders <- o:
	default:
	}
}

func (r *runner) note(change func(*facts)) {
	r.mu.Lock()
	change(&r.facts)
	r.mu.Unlock()
	r.wake()
}

// run starts the process and returns when nothing is left of it.
func (r *runner) run() {
	defer r.note(func(f *facts) { f.gone = true })
	e, spec, err := r.plan.equip()
	if err != nil {
		r.note(func(f *facts) { f.startErr = err })
		return
	}
	p, err := r.launch(spec)
	e.closeHanded()
	if err != nil {
		r.note(func(f *facts) { f.startErr = err })
	} else {
		r.note(func(f *facts) { f.proc, f.limits, f.verify = p, limitsOf(r.plan.cfg, p.Held()), e.verify() })
		r.plan.options.Bus.Publish(event.Event{Kind: event.WorkerStarted, Subject: e.who.ID,
			Message: fmt.Sprintf("worker %s started", e.who.ID), Attrs: map[string]any{"pid": p.PID()}})
		r.follow(p, e)
	}
	if err := e.release(); err != nil {
		r.plan.options.Bus.Publish(event.Event{Kind: event.Internal, Subject: e.who.ID,
			Message: fmt.Sprintf("after the end of worker %s: %v", e.who.ID, err)})
	}
}

// follow owns a started process until nothing is left of it.
func (r *runner) follow(p proc, e *equipment) {
	stopped, ended := r.watch(p, e)
	if !ended {
		r.note(func(f *facts) { f.exited, f.stuck = true, true })
		r.abandon(p.Tree())
		return
	}
	r.note(func(f *facts) { f.exited, f.exit, f.oom = true, p.Exit(), p.OutOfMemory() })
	if e.endpoint != nil {
		e.endpoint.Exited() // a descendant may still hold the channel
	}
	r.bury(p, stopped)
	taken := !r.look().found && r.plan.options.Ports.Foreign(e.who.Port)
	r.note(func(f *facts) { f.portTaken = taken })
}

// watch follows the process until the direct child was reaped, or was killed
// several times in vain. stopped is the signal by which it was asked to end, 0
// when it was not or when its time for that is over.
func (r *runner) watch(p proc, e *equipment) (stopped syscall.Signal, ended bool) {
	var ready <-chan struct{}
	if e.endpoint != nil {
		ready = e.endpoint.Ready()
	}
	search := newSearch(e.who.addresses(), r.plan.cfg.MustListen())
	defer search.timer.Stop()
	zombies := time.NewTicker(zombieLook)
	defer zombies.Stop()
	var again <-chan time.Time
	for kills := 0; kills < killAttempts; {
		select {
		case <-p.Done():
			return stopped, true
		case o := <-r.orders:
			if o.kind == orderCollect {
				if e.endpoint != nil {
					e.endpoint.Collect()
				}
				continue
			}
			stopped = o.sig
			if r.obey(p, e, o) {
				again = time.After(killAgain)
				kills++
			}
		case <-again:
			p.Kill()
			again = time.After(killAgain)
			kills++
		case <-zombies.C:
			if n := p.Zombies(); n != r.look().zombies {
				r.note(func(f *facts) { f.zombies = n })
			}
		case <-ready:
			ready = nil
			if !search.over() { // it mostly listens by now, and may be ready without
				search.look(p)
			}
			inspector := e.inspected(p)
			r.note(func(f *facts) { search.tell(f); f.saidReady, f.inspector = true, inspector })
		case <-search.timer.C:
			if search.look(p) || !search.must {
				inspector := e.inspected(p)
				r.note(func(f *facts) { search.tell(f); f.inspector = inspector })
			}
		}
	}
	return 0, false
}

// obey carries out an order and reports whether it was to kill.
func (r *runner) obey(p proc, e *equipment, o order) (killed bool) {
	switch o.kind {
	case orderTerminate:
		if e.endpoint != nil {
			e.endpoint.Shutdown(o.grace)
		}
		_ = p.Terminate(o.sig) // gone already, or the kill timer decides
		return false
	case orderDestroy:
		evidence := p.Evidence()
		r.plan.options.Bus.Publish(event.Event{Kind: event.WorkerKilled, Subject: e.who.ID,
			Message: fmt.Sprintf("worker %s is killed: %s (%s)", e.who.ID, o.cause, evidence),
			Attrs:   map[string]any{"pid": p.PID(), "reason": string(ReasonProbeFailed), "evidence": evidence}})
		if o.dump != 0 && p.Terminate(o.dump) == nil {
			select {
			case <-p.Done():
			case <-time.After(dumpTime):
			}
		}
	}
	p.Kill()
	return true
}

// bury waits until the whole tree is gone. What is left of a worker that ended
// by itself is killed at once; one that was asked to end has until the order to
// kill, since a wrapper such as npm may end before the application does. What
// has left the group by then is asked to end, too: only the wrapper knew of it.
func (r *runner) bury(p proc, stopped syscall.Signal) {
	patient := stopped != 0
	if patient {
		p.TerminateRest(stopped)
	}
	for wait := lookFirst; patient && len(p.Tree()) > 0; wait = min(2*wait, lookLongest) {
		select {
		case o := <-r.orders:
			patient = o.kind == orderTerminate || o.kind == orderCollect
		case <-time.After(wait):
		}
	}
	for range killAttempts {
		p.Kill()
		left := p.Tree()
		if len(left) == 0 {
			return
		}
		select {
		case <-time.After(lookLongest):
		case <-r.orders: // there is nothing more to do than this
		}
	}
	if left := p.Tree(); len(left) > 0 {
		r.abandon(left)
	}
}

// abandon tells of processes that nothing can end, such as those that wait for a
// dead network file system. Waiting for them would keep the slot empty, or
// drover from ending.
func (r *runner) abandon(left []int) {
	r.plan.options.Bus.Publish(event.Event{Kind: event.WorkerKilled, Subject: r.plan.who.ID,
		Message: fmt.Sprintf("processes %v of worker %s do not end by SIGKILL (uninterruptible?); drover goes on without waiting for them", left, r.plan.who.ID),
		Attrs:   map[string]any{"pids": left}})
}
