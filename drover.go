package main

import (
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/ipc"
	"github.com/drover-proxy/drover/logs"
	"github.com/drover-proxy/drover/metrics"
	"github.com/drover-proxy/drover/monitor"
	"github.com/drover-proxy/drover/process"
	"github.com/drover-proxy/drover/proxy"
	"github.com/drover-proxy/drover/supervisor"
)

// drover is the running program: every part, and the settings in force.
type drover struct {
	source     source
	started    time.Time
	executable string

	logs      *logs.Logs
	log       *zap.Logger
	access    *logs.AccessLog
	bus       *event.Bus
	metrics   *metrics.Metrics
	spawner   *process.Spawner
	dir       *runDir
	preload   string // of Node.js and Bun, in dir
	hub       *ipc.Hub
	keys      *ipc.Keyring   // nil: messages are not encrypted
	audit     *logs.LineFile // nil: messages are not logged
	cache     *sharedCache   // nil: there is none
	collector *logs.Collector
	ports     *supervisor.PortAllocator
	sampler   *monitor.Sampler
	front     *proxy.Server
	admin     *admin.Server
	rolls     rolls

	reloading sync.Mutex // held during a reload: one at a time
	stopping  bool       // guarded by reloading: no more reloads
	upgrading bool       // guarded by reloading: none either

	manager  serviceManager
	legacy   *legacy       // nil: this drover was started in the ordinary way
	replaced chan struct{} // closed when another drover has taken over

	mu        sync.RWMutex // guards what follows
	settings  *config.Config
	units     map[string]*unit
	dismissed map[*unit]struct{} // taken out by a reload; their workers drain

	proven atomic.Bool // a worker was ready, or there was none to wait for

	stops  chan bool  // requests to stop; true: at once
	failed chan error // a part that ended with an error
}

// current returns the settings in force.
func (d *drover) current() *config.Config {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.settings
}

// noMoreReloads returns when no reload is going on and none can begin: what
// stops drover must meet all that was started.
func (d *drover) noMoreReloads() {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	d.stopping = true
}
