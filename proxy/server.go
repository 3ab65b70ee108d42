package proxy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/internal/inherit"
	"github.com/drover-proxy/drover/logs"
	"github.com/drover-proxy/drover/metrics"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/proxy/exchange"
)

// Options are what a Server works with.
type Options struct {
	Metrics   *metrics.Metrics             // nil: counted, but seen by nobody
	AccessLog *logs.AccessLog              // nil: none
	Log       *zap.Logger                  // nil: none
	Bus       *event.Bus                   // nil: none
	Pools     func(name string) *pool.Pool // by the name in the settings; nil when there is none

	// StickyKey returns the secret that sticky cookies are signed with; nil: one
	// of this server's own.
	StickyKey func() ([]byte, error)

	// Inherited are sockets that were opened before, by network and address:
	// "tcp::8080", "unix:/run/app.sock". The server does not close the files.
	Inherited map[string]*os.File
	// Wrap is called with each new connection, in the connection's own goroutine,
	// and returns what is spoken to instead of it. nil: nothing is changed.
	Wrap func(listener string, nc net.Conn) (net.Conn, error)
}

// Server takes traffic in. Its methods may be called concurrently.
type Server struct {
	o       Options
	metrics *metrics.Metrics
	access  *logs.AccessLog
	log     *zap.Logger

	front     front
	relay     *relay
	calls     sync.Pool // of *call
	relays    relayBuffers
	buffers   exchange.Buffers
	admission admission
	files     descriptors
	born      time.Time
	crew      crew
	tick      atomic.Uint64 // the sweeper's clock
	draining  atomic.Bool
	handed    atomic.Bool // another process goes on with the sockets
	cut       atomic.Int64
	stopped   chan struct{} // closed when the drain is to end now
	stopOnce  sync.Once

	mu        sync.Mutex
	listeners map[string]*listener // by network and address
	retired   map[*listener]struct{}
	shared    map[string]*shared // by pool
	running   bool
	drains    sync.WaitGroup // of retired listeners
}

// New returns a server that does nothing yet.
func New(o Options) *Server {
	s := &Server{
		o: o, metrics: o.Metrics, access: o.AccessLog, log: o.Log, born: time.Now(),
		stopped: make(chan struct{}), listeners: map[string]*listener{}, retired: map[*listener]struct{}{}, shared: map[string]*shared{},
	}
	if s.metrics == nil {
		s.metrics = metrics.New(metrics.BuildInfo{})
	}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	if s.o.StickyKey == nil {
		s.o.StickyKey = randomKey()
	}
	s.files.look()
	s.buffers.Pipes.Scarce = func(fd int) bool { return s.files.scarce(fd, &s.files.upstreams) }
	s.calls.New = func() any { return newCall(s) }
	s.front, s.relay = newFastFront(s), &relay{s}
	s.tick.Store(1) // 0 means: does not wait
	return s
}

// Apply makes the settings those that hold from now on: new listeners are open
// when it returns, removed ones take nothing more and their connections end with
// what they are at, all others keep theirs. When it fails nothing has changed.
func (s *Server) Apply(cfg *config.Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	build := &targets{server: s, cfg: cfg, shared: map[string]*shared{}}
	tables := make(map[string]*table, len(cfg.Server.Listeners))
	for i := range cfg.Server.Listeners {
		l := withName(cfg.Server.Listeners[i])
		key := listenerKey(l)
		if tables[key] != nil {
			return fmt.Errorf("listener %s: %s is named twice; remove one", l.Name, l.Address)
		}
		t, err := s.newTable(cfg, l, build)
		if err != nil {
			return err
		}
		tables[key] = t
	}
	opened, err := s.openMissing(cfg)
	if err != nil {
		return err
	}
	s.shared = build.shared
	for key, l := range opened {
		s.listeners[key] = l
	}
	for key, l := range s.listeners {
		if t := tables[key]; t != nil {
			l.table.Store(t)
			continue
		}
		delete(s.listeners, key)
		s.retireLocked(l)
	}
	for _, l := range opened {
		s.startLocked(l)
	}
	return nil
}

// openMissing opens the listeners that are not open yet; all or none.
func (s *Server) openMissing(cfg *config.Config) (map[string]*listener, error) {
	opened := map[string]*listener{}
	for i := range cfg.Server.Listeners {
		c := withName(cfg.Server.Listeners[i])
		key := listenerKey(c)
		if s.listeners[key] != nil {
			continue
		}
		l, err := s.open(c)
		if own := s.holderLocked(c); err != nil && own != nil && errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("listener %s: %s overlaps with %s, on which drover itself listens; take that one out in one reload and put this one in with the next",
				c.Name, c.Address, own.address)
		}
		if err != nil {
			for _, o := range opened {
				_ = o.ln.Close() // nobody was told of it
			}
			return nil, err
		}
		opened[key] = l
	}
	return opened, nil
}

// holderLocked returns the open listener that has the port which l wants.
func (s *Server) holderLocked(l config.Listener) *listener {
	_, address := l.NetworkAddress()
	_, port, err := net.SplitHostPort(address)
	if err != nil || port == "0" {
		return nil
	}
	for _, open := range s.listeners {
		if _, held, err := net.SplitHostPort(open.address); err == nil && held == port {
			return open
		}
	}
	return nil
}

func withName(l config.Listener) config.Listener {
	if l.Name == "" {
		l.Name = l.Address
	}
	if l.Protocol == "" {
		l.Protocol = protocolHTTP
	}
	return l
}

func listenerKey(l config.Listener) string {
	network, address := l.NetworkAddress()
	return network + " " + address
}

// startLocked begins to accept, if the server runs; Run does it otherwise.
func (s *Server) startLocked(l *listener) {
	if !s.running {
		return
	}
	l.accepts.Add(1)
	go func() {
		defer l.accepts.Done()
		l.accept()
	}()
}

// retireLocked drains a listener that is not wanted any more.
func (s *Server) retireLocked(l *listener) {
	l.patient.Store(s.handed.Load())
	l.closing.Store(true) // before Apply returns: what is answered from now on ends its connection
	s.retired[l] = struct{}{}
	s.drains.Add(1)
	go func() {
		defer s.drains.Done()
		s.cut.Add(int64(l.drain(l.table.Load().drain, s.stopped)))
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.retired, l)
	}()
}

// Run serves until ctx is done, then drains for server.timeouts.drain at most
// and returns when all connections are gone and their goroutines with them.
func (s *Server) Run(ctx context.Context) error {
	s.mu.Lock()
	s.running = true
	for _, l := range s.listeners {
		s.startLocked(l)
	}
	s.mu.Unlock()

	sweep, stopSweep := context.WithCancel(context.Background())
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		s.sweep(sweep)
	}()

	<-ctx.Done()
	s.draining.Store(true)
	s.mu.Lock()
	s.running = false
	for key, l := range s.listeners {
		delete(s.listeners, key)
		s.retireLocked(l)
	}
	s.mu.Unlock()
	s.drains.Wait()
	s.crew.dismiss()
	stopSweep()
	<-swept
	return nil
}

// StopFast ends a drain now, or makes the coming one short.
func (s *Server) StopFast() { s.stopOnce.Do(func() { close(s.stopped) }) }

// Draining reports whether Run has begun to end: nothing new should be sent here.
func (s *Server) Draining() bool { return s.draining.Load() }

// Cut returns how many connections were ended in the middle of a request or a
// tunnel because a drain took too long.
func (s *Server) Cut() int { return int(s.cut.Load()) }

// Address returns where the listener of that name is open, with the port that
// the kernel chose where the settings say 0; nil when there is none.
func (s *Server) Address(name string) net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		if l.table.Load().name == name {
			return l.ln.Addr()
		}
	}
	return nil
}

// Files returns a descriptor of each open listener, by the key that
// Options.Inherited takes, for a process that goes on with them. The caller
// closes the files.
func (s *Server) Files() (map[string]*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := map[string]*os.File{}
	for _, l := range s.listeners {
		f, err := inherit.File(l.ln)
		if err != nil {
			for _, open := range files {
				_ = open.Close() // only read from by nobody yet
			}
			return nil, fmt.Errorf("hand over listener %s: %w", l.table.Load().name, err)
		}
		files[l.network+":"+l.address] = f
	}
	return files, nil
}

// TakeOver makes the inherited sockets this server's: their paths go with them.
// Until then they are those of the process that opened them. Of the sockets that
// were handed over, by their keys, those go at once that nobody serves on any more.
func (s *Server) TakeOver(handed iter.Seq[string]) {
	s.own(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	used := map[string]bool{}
	for _, l := range s.listeners {
		used[l.network+":"+l.address] = true
	}
	for key := range handed {
		if path, ok := strings.CutPrefix(key, "unix:"); ok && !used[key] {
			_ = os.Remove(path) // somebody has removed it already
		}
	}
}

// HandOver says that another process serves on the same sockets from now on, and
// that Run will end because of that. Nobody loses anything by a drain that is
// patient: connections that wait for a request stay open for one more, whose
// answer asks the client to connect anew, and the sockets' paths stay.
func (s *Server) HandOver() {
	s.handed.Store(true)
	s.own(false)
}

func (s *Server) own(own bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		if u, ok := l.ln.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(own)
		}
	}
}
