package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// Options is what a Server needs.
type Options struct {
	Config  config.Admin
	Backend Backend
	Metrics http.Handler // serves /metrics
	Bus     *event.Bus
	Log     *zap.Logger // nil: nothing is logged
	// Inherited are sockets that were opened before, by the keys of Files. The
	// server does not close the files.
	Inherited map[string]*os.File
}

// Server serves the admin API. Apply may be called while it runs.
type Server struct {
	cfg      config.Admin // as it was at New: what needs a restart
	backend  Backend
	numbers  http.Handler
	bus      *event.Bus
	log      *zap.Logger
	table    *table
	policy   atomic.Pointer[policy]
	peer     func(*net.UnixConn) error // who is at the other end of the socket
	folders  []string                  // for the socket
	loopback bool                      // of the TCP address
	wildcard bool                      // the TCP address is every one of the machine

	measuring sync.Map // the profiles that are being measured, by name

	inherited map[string]*os.File
	handed    atomic.Bool   // another process goes on with the sockets
	closing   chan struct{} // closed when nothing more is accepted

	tcp    net.Listener
	socket *socket
}

// New returns a server that does not listen yet. It fails when a token cannot be read.
func New(o Options) (*Server, error) {
	s := &Server{cfg: o.Config, backend: o.Backend, numbers: o.Metrics, bus: o.Bus, log: o.Log, peer: checkPeer, folders: SocketFolders(os.Getenv),
		inherited: o.Inherited, closing: make(chan struct{})}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	s.loopback = isLoopback(o.Config.Address)
	if host := hostOnly(o.Config.Address); o.Config.Address != "" {
		s.wildcard = host == "" || net.ParseIP(host).IsUnspecified()
	}
	s.table = newTable(s.routes())
	return s, s.Apply(o.Config)
}

// Apply changes tokens, allowed hosts and the profiler to those of cfg; a changed address or
// socket needs a restart and is left alone. On error nothing changed.
func (s *Server) Apply(cfg config.Admin) error {
	keys, err := newKeys(cfg.Tokens)
	if err != nil {
		return err
	}
	p := &policy{keys: keys, profiler: cfg.Profiler}
	if host := hostOnly(s.cfg.Address); host != "" {
		p.hosts = append(p.hosts, strings.ToLower(host))
	}
	for _, host := range cfg.AllowedHosts {
		p.hosts = append(p.hosts, strings.ToLower(hostOnly(host)))
	}
	s.policy.Store(p)
	return nil
}

// Listen opens the address and the socket that the settings name; connections
// wait from then on. The error names the key and what to do.
func (s *Server) Listen() error {
	if s.cfg.Address != "" {
		l, err := s.listenTCP()
		if err != nil {
			return listenError(s.cfg.Address, err)
		}
		s.tcp = l
		if !s.loopback && len(s.cfg.Tokens) == 0 {
			s.log.Warn("without tokens this address only serves /metrics, /healthz and /readyz", zap.String("address", s.cfg.Address))
		}
	}
	sock, err := s.openSocket()
	if err != nil {
		if s.tcp != nil {
			err = errors.Join(err, s.tcp.Close())
		}
		return err
	}
	s.socket = sock
	return nil
}

func listenError(address string, err error) error {
	remedy := "choose another in admin.address (for drover -- COMMAND: --admin-address), or leave it empty for the socket only"
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("admin.address: %s is in use, perhaps by another drover; %s", address, remedy)
	}
	return fmt.Errorf("admin.address: listen on %s: %w; %s", address, err, remedy)
}

// Close closes what Listen opened, where Run is not to follow; Run does it itself.
func (s *Server) Close() {
	if s.tcp != nil {
		_ = s.tcp.Close() // nobody was answered yet
	}
	if s.socket != nil {
		_ = s.socket.Close()
		s.socket.remove()
	}
}

// Address returns the TCP address that is listened on, with the port that was
// chosen for port 0; empty where there is none. Valid after Listen.
func (s *Server) Address() string {
	if s.tcp == nil {
		return ""
	}
	return s.tcp.Addr().String()
}

// SocketPath returns the path of the Unix socket, empty where there is none.
// Valid after Listen.
func (s *Server) SocketPath() string {
	if s.socket == nil {
		return ""
	}
	return s.socket.path
}

// Run serves until ctx is done, ends what is still being answered within a
// second, and removes the socket.
func (s *Server) Run(ctx context.Context) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel() // ends event streams
	srv := &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       s.connected,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          zap.NewStdLog(s.log),
	}
	srv.RegisterOnShutdown(func() { close(s.closing) })
	var listeners []net.Listener
	if s.tcp != nil {
		listeners = append(listeners, s.tcp)
	}
	if s.socket != nil {
		listeners = append(listeners, s.socket.Listener)
	}
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- srv.Serve(l) }()
	}
	var err error
	left := len(listeners)
	select {
	case <-ctx.Done():
	case err = <-failed:
		err, left = fmt.Errorf("serve the admin API: %w", err), left-1
	}
	cancel()
	grace, end := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer end()
	if srv.Shutdown(grace) != nil {
		_ = srv.Close() // whoever is still being answered had a second
	}
	for ; left > 0; left-- {
		if e := <-failed; err == nil && !errors.Is(e, http.ErrServerClosed) {
			err = fmt.Errorf("serve the admin API: %w", e)
		}
	}
	if s.socket != nil && !s.handed.Load() {
		s.socket.remove()
	}
	return err
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, values, allow := s.table.find(r.Method, r.URL.EscapedPath())
	need := viewer // also to learn what does not exist
	if found != nil {
		need = found.access
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if e := s.guard(r, need); e != nil {
		if e.Status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", `Bearer realm="drover"`)
		}
		s.refuse(w, e)
		return
	}
	if found == nil {
		s.refuse(w, nothing(w, r, allow))
		return
	}
	for name, value := range values {
		r.SetPathValue(name, value)
	}
	r.Body = http.MaxBytesReader(w, r.Body, found.maxBody())
	if err := found.handle(w, r); err != nil {
		s.refuse(w, asError(err))
	}
}

func nothing(w http.ResponseWriter, r *http.Request, allow []string) *Error {
	if len(allow) > 0 {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		return &Error{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed",
			Message: "this path takes " + strings.Join(allow, ", ")}
	}
	return NotFound("nothing is at %s; GET / lists what there is", quoted(r.URL.Path))
}

// isLoopback reports whether only this machine reaches an address.
func isLoopback(address string) bool {
	host := hostOnly(address)
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
