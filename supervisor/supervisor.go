package supervisor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/monitor"
	"github.com/drover-proxy/drover/pool"
)

// tickEvery bounds how long a change that nobody told of stays unseen.
const tickEvery = 100 * time.Millisecond

// MaxWorkers is the largest number of workers a pool may have.
const MaxWorkers = 1024

// Errors of operations that callers tell apart.
var (
	ErrUnknownWorker  = errors.New("there is no such worker")
	ErrNotPossible    = errors.New("not possible now")
	ErrRollInProgress = errors.New("a rolling restart of this pool is in progress; wait until it has ended")
	ErrRolledBack     = errors.New("rolled back")
	ErrStopping       = errors.New("the pool is being stopped")
)

// Options are what a supervisor works with.
type Options struct {
	Pool         *pool.Pool
	Config       *config.Pool
	DrainTimeout time.Duration // server.timeouts.drain
	Starter      Starter
	Channel      Channel    // nil: workers get no message channel
	Output       Output     // nil: output goes to /dev/null
	Bus          *event.Bus // may be nil
	Environ      []string   // drover's own environment
	// Secrets names what in Environ workers must not see. It is asked at each
	// start, since settings may name others later; nil: nothing.
	Secrets    func() []string
	RunDir     string         // private folder for workers' sockets; must exist
	Preload    string         // of WritePreload; "": Node.js and Bun load nothing ahead of the program
	Ports      *PortAllocator // shared by all pools; nil: one of its own
	Executable string         // for ${DROVER}
	// Warming says that the pool's prober warms workers before they get requests
	// (healthcheck.Prober.Warming), so that it has the last word on who is ready.
	Warming bool
	// Inspect has Node.js and Bun listen for a debugger. A worker that stands at a
	// breakpoint answers no probe, so none is killed for that.
	Inspect bool
	// OOMKills counts the processes that the kernel killed for want of memory
	// where drover runs; nil: monitor.OOMKills.
	OOMKills func() (uint64, bool)
	// Asleep is how long the machine has slept; nil: monitor.Asleep.
	Asleep func() time.Duration
	// Leak returns the newest verdict on the memory of a worker (monitor.LeakWatch.Verdict),
	// false where there is none; nil: nobody judges. It must not ask the supervisor anything.
	Leak func(worker string) (monitor.Verdict, bool)
}

// Supervisor keeps the workers of one pool as they are wanted. All exported
// methods may be called concurrently.
type Supervisor struct {
	o      Options
	pool   *pool.Pool
	launch launcher
	wakeup chan struct{} // buffer 1; tokens coalesce

	runners sync.WaitGroup

	mu       sync.Mutex
	cfg      *config.Pool
	drain    time.Duration
	scaled   int       // number of workers that an operator asked for; -1: none did
	adjusted int       // number of workers that autoscaling chose; -1: the settings'
	good     *settings // what workers are started with when no roll says otherwise
	roll     *Roll     // in progress, or nil
	rolls    int
	slots    []*slot // slot N is at N-1
	liveness Liveness
	restarts map[Reason]uint64
	stopping bool // Run's context is done
	fast     bool // StopFast was called
	cut      int  // workers that did not end in time while stopping
	moved    bool // a worker took a step in this pass
	ready    bool // some worker was ready once
	degraded bool
	expected bool // what the pool was told last
	lastTick time.Time
	asleep   time.Duration // how long the machine had slept then
	oom      oomWatch
	legacy   Legacy // of a drover before this one
}

// New returns a supervisor that has not started anything yet.
func New(o Options) (*Supervisor, error) {
	if len(o.Config.Command) == 0 {
		return nil, fmt.Errorf("supervise pool %s: it has no command", o.Pool.Name())
	}
	return newSupervisor(o, launchWith(o.Starter)), nil
}

func newSupervisor(o Options, launch launcher) *Supervisor {
	if o.Ports == nil {
		o.Ports = NewPortAllocator()
	}
	if o.OOMKills == nil {
		o.OOMKills = monitor.OOMKills
	}
	if o.Asleep == nil {
		o.Asleep = monitor.Asleep
	}
	s := &Supervisor{
		o: o, pool: o.Pool, launch: launch, wakeup: make(chan struct{}, 1),
		cfg: o.Config, drain: o.DrainTimeout, scaled: -1, adjusted: -1, good: &settings{cfg: o.Config},
		restarts: make(map[Reason]uint64), oom: oomWatch{read: o.OOMKills},
	}
	s.liveness.configure(o.Config.HealthCheck)
	s.expected = s.wantedLocked() > 0 // requests may come before Run does
	s.pool.SetExpecting(s.expected)
	return s
}

// Run starts the workers and keeps them until ctx is done; then it drains and
// stops all of them at once, and returns when nothing of them is left. It is
// called once. The error is always nil.
func (s *Supervisor) Run(ctx context.Context) error {
	changed, cancel := s.pool.Subscribe()
	defer cancel()
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	done := ctx.Done()
	for !s.tick(time.Now()) {
		select {
		case <-done:
			done = nil
			s.mu.Lock()
			s.stopping = true
			s.mu.Unlock()
		case <-changed:
		case <-s.wakeup:
		case <-ticker.C:
		}
	}
	s.runners.Wait()
	return nil
}

// StopFast shortens every wait: nothing drains any more, and SIGKILL follows the
// stop signal after a second. It takes effect when Run's context is done.
func (s *Supervisor) StopFast() {
	s.mu.Lock()
	s.fast = true
	s.mu.Unlock()
	s.wake()
}

// wake asks for a tick. It never blocks.
func (s *Supervisor) wake() {
	select {
	case s.wakeup <- struct{}{}:
	default: // one is due already
	}
}

// publish tells people about a worker, slot or pool.
func (s *Supervisor) publish(kind event.Kind, subject, message string, attrs map[string]any) {
	s.o.Bus.Publish(event.Event{Kind: kind, Subject: subject, Message: message, Attrs: attrs})
}
