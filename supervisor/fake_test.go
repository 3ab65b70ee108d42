package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/monitor"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/process"
)

// behaviour is what a fake process does.
type behaviour struct {
	fails      error         // to start
	starting   time.Duration // takes so long, as on a busy machine
	listens    time.Duration // after this; negative: never
	says       time.Duration // that it is ready after this; 0: never
	foreign    bool          // somebody else listens on its port
	ends       time.Duration // by itself after this; 0: never
	code       int
	ignoreTerm bool
	takes      time.Duration // from the stop signal to its end
	stuck      bool          // does not even end by SIGKILL
	forgets    int           // children a second that end and are not waited for
	leaves     bool          // a child that lives on until it is killed
	held       []process.Held
}

// fakeProc is a process without a process; time is the test's.
type fakeProc struct {
	behaviour
	spec process.Spec
	pid  int
	born time.Time
	done chan struct{}

	mu    sync.Mutex
	exit  process.Exit
	ended bool
	child bool
	terms int
	sigs  []syscall.Signal // it was sent, the newest last
}

func (p *fakeProc) end(e process.Exit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.ended, p.exit, p.child = true, e, p.leaves
		close(p.done)
	}
}

func (p *fakeProc) PID() int                { return p.pid }
func (p *fakeProc) Done() <-chan struct{}   { return p.done }
func (p *fakeProc) Listeners() []string     { return nil }
func (p *fakeProc) Zombies() int            { return p.forgets * int(time.Since(p.born).Seconds()) }
func (p *fakeProc) OutOfMemory() bool       { return false }
func (p *fakeProc) Charged() (uint64, bool) { return 0, false }
func (p *fakeProc) Held() []process.Held    { return p.held }
func (p *fakeProc) Evidence() string        { return "deadlock" }
func (p *fakeProc) Exit() process.Exit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exit
}

func (p *fakeProc) Terminate(sig syscall.Signal) error {
	p.mu.Lock()
	p.terms++
	p.sigs = append(p.sigs, sig)
	p.mu.Unlock()
	if !p.ignoreTerm {
		time.AfterFunc(p.takes, func() { p.end(process.Exit{}) })
	}
	return nil
}

// TerminateRest does nothing: a child that lives on ignores it.
func (p *fakeProc) TerminateRest(syscall.Signal) {}

func (p *fakeProc) Kill() {
	if p.stuck {
		time.Sleep(2 * time.Second) // as long as the real one tries
		return
	}
	p.end(process.Exit{Code: -1, Signal: syscall.SIGKILL})
	p.mu.Lock()
	p.child = false
	p.mu.Unlock()
}

func (p *fakeProc) Tree() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []int
	if !p.ended {
		out = append(out, 1<<30+p.pid) // no such process in /proc
	}
	if p.child {
		out = append(out, 1<<30+p.pid+1)
	}
	return out
}

func (p *fakeProc) OwnsListener(string, string) (listening, owned bool, err error) {
	if p.foreign {
		return true, false, nil
	}
	up := p.listens >= 0 && time.Since(p.born) >= p.listens
	return up, up, nil
}

// farm is a pool with a supervisor whose processes are fakes.
type farm struct {
	t     *testing.T
	pool  *pool.Pool
	s     *Supervisor
	bus   *event.Bus
	stop  context.CancelFunc
	ended chan struct{}

	mu     sync.Mutex
	behave func(id string) behaviour
	procs  map[string]*fakeProc // by worker id
	most   int                  // largest number of processes at a time

	verdicts map[string]monitor.Verdict // on the memory of workers

	collected atomic.Int64 // how often a worker was asked to collect its garbage
}

func poolConfig(workers int, change func(*config.Pool)) *config.Pool {
	cfg := &config.Pool{Command: []string{"app"}, Transport: "port", Workers: config.Count(workers), ProcessManagement: managed(nil)}
	cfg.ProcessManagement.GracefulShutdownTimeout = config.Duration(10 * time.Second)
	cfg.HealthCheck = config.HealthCheck{Enabled: false, Interval: config.Duration(5 * time.Second), Timeout: config.Duration(2 * time.Second), MaxFailures: 3, MinSuccesses: 1}
	cfg.Queue = config.Queue{Length: 100, Timeout: config.Duration(10 * time.Second)}
	if change != nil {
		change(cfg)
	}
	return cfg
}

const drainTime = 30 * time.Second

// newFarm starts a supervisor inside a synctest bubble; behave may be nil.
func newFarm(t *testing.T, cfg *config.Pool, behave func(id string) behaviour) *farm {
	t.Helper()
	f := &farm{t: t, bus: event.NewBus(100_000), ended: make(chan struct{}), behave: behave, procs: make(map[string]*fakeProc)}
	f.pool = pool.New("app", cfg, f.bus)
	ports := newPortAllocator(20000, 29999)
	ports.free = func(int) bool { return true }
	f.s = newSupervisor(Options{Channel: f, Pool: f.pool, Config: cfg, DrainTimeout: drainTime, Bus: f.bus, Ports: ports,
		OOMKills: func() (uint64, bool) { return 0, false }, Leak: f.leak}, f.launch)
	ctx, cancel := context.WithCancel(t.Context())
	f.stop = cancel
	go func() {
		defer close(f.ended)
		if err := f.s.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		f.finish()
		for _, e := range f.bus.Recent() {
			if e.Kind == event.Internal {
				t.Errorf("internal: %s", e.Message)
			}
		}
	})
	return f
}

// leak returns what a test has said of a worker's memory.
func (f *farm) leak(id string) (monitor.Verdict, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.verdicts[id]
	return v, ok
}

// Open gives a worker a channel over which it hears nothing but that it is to
// collect its garbage, and says nothing but that it is ready.
func (f *farm) Open(id string) (Endpoint, error) {
	e := &fakeEndpoint{farm: f, ready: make(chan struct{})}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.behave != nil {
		if says := f.behave(id).says; says > 0 {
			time.AfterFunc(says, func() { close(e.ready) })
		}
	}
	return e, nil
}

type fakeEndpoint struct {
	farm  *farm
	ready chan struct{}
}

func (e *fakeEndpoint) File() *os.File         { return nil }
func (e *fakeEndpoint) NotifySocket() string   { return "" }
func (e *fakeEndpoint) Link() (string, string) { return "", "" }
func (e *fakeEndpoint) Ready() <-chan struct{} { return e.ready }
func (e *fakeEndpoint) Shutdown(time.Duration) {}
func (e *fakeEndpoint) Exited()                {}
func (e *fakeEndpoint) Close() error           { return nil }
func (e *fakeEndpoint) Collect()               { e.farm.collected.Add(1) }

// finish stops the supervisor and checks that nothing is left.
func (f *farm) finish() {
	f.stop()
	<-f.ended
	if n := f.live(); n != 0 {
		f.t.Errorf("%d processes are left", n)
	}
	if all := f.pool.All(); len(all) != 0 {
		f.t.Errorf("%d upstreams are left", len(all))
	}
}

func (f *farm) launch(spec process.Spec) (proc, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b behaviour
	if f.behave != nil {
		b = f.behave(spec.ID)
	}
	if b.starting > 0 {
		f.mu.Unlock()
		time.Sleep(b.starting)
		f.mu.Lock()
	}
	if b.fails != nil {
		return nil, b.fails
	}
	if f.procs[spec.ID] != nil {
		f.t.Errorf("worker %s was started twice", spec.ID)
	}
	p := &fakeProc{behaviour: b, spec: spec, pid: 2 * (len(f.procs) + 1), born: time.Now(), done: make(chan struct{})}
	f.procs[spec.ID] = p
	if b.ends > 0 {
		time.AfterFunc(b.ends, func() { p.end(process.Exit{Code: b.code}) })
	}
	n := 0
	for _, q := range f.procs {
		if len(q.Tree()) > 0 {
			n++
		}
	}
	f.most = max(f.most, n)
	return p, nil
}

// live counts the processes that run.
func (f *farm) live() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, p := range f.procs {
		n += len(p.Tree())
	}
	return n
}

func (f *farm) proc(id string) *fakeProc {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.procs[id]
	if p == nil {
		f.t.Fatalf("worker %s was never started", id)
	}
	return p
}

// settle lets some time pass and everything come to rest.
func (f *farm) settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// expected reports whether the pool was told to let requests wait.
func (f *farm) expected() bool {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	return f.s.expected
}

// states says which workers there are, as "app-1.1 running".
func (f *farm) states() string {
	var out []string
	for _, w := range f.s.Workers() {
		out = append(out, w.ID+" "+w.State.String())
	}
	return strings.Join(out, ", ")
}

func (f *farm) want(states string) {
	f.t.Helper()
	if got := f.states(); got != states {
		f.t.Errorf("after %s the workers are:\n  %s\nwant:\n  %s", time.Since(bubbleStart), got, states)
	}
}

// bubbleStart is when time begins in a synctest bubble.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// happened counts the events of a kind.
func (f *farm) happened(kind event.Kind) int {
	n := 0
	for _, e := range f.bus.Recent() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// message returns the newest event of a kind.
func (f *farm) message(kind event.Kind) string {
	f.t.Helper()
	for _, e := range slices.Backward(f.bus.Recent()) {
		if e.Kind == kind {
			return e.Message
		}
	}
	f.t.Errorf("no event %s", kind)
	return ""
}

func (f *farm) env(id, name string) string {
	for _, kv := range f.proc(id).spec.Env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// hold acquires a worker and keeps it busy until the returned function is called.
func (f *farm) hold(id string) (release func()) {
	f.t.Helper()
	up := f.pool.Get(id)
	if up == nil {
		f.t.Fatalf("worker %s is not in the pool", id)
	}
	lease, err := up.Acquire()
	if err != nil {
		f.t.Fatal(err)
	}
	return func() { lease.Release(pool.Outcome{}) }
}

var errNoProgram = errors.New("no such program")

// only behaves in one way for some ids (given by prefix) and is well otherwise.
func only(b behaviour, prefixes ...string) func(string) behaviour {
	return func(id string) behaviour {
		for _, p := range prefixes {
			if strings.HasPrefix(id, p) {
				return b
			}
		}
		return behaviour{}
	}
}

// generation behaves in one way from a generation on.
func generation(from int, b behaviour) func(string) behaviour {
	return func(id string) behaviour {
		_, g, ok := parseID("app", id)
		if !ok {
			panic(fmt.Sprintf("id %s", id))
		}
		if g >= from {
			return b
		}
		return behaviour{}
	}
}

func errorIs(err, target error) bool { return errors.Is(err, target) }
