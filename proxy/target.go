package proxy

import (
	"fmt"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/metrics"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/strategy"
)

// target is a pool as one listener, by one route or as its own, sends to it,
// with everything that can be settled before a request comes.
type target struct {
	name     string // of the pool
	pool     *pool.Pool
	strategy strategy.Strategy
	hash     hashOn
	retry    retryRule
	budget   *budget
	links    linker

	connect, firstByte, responseIdle time.Duration
	total                            time.Duration // 0: no bound
	queueTimeout                     time.Duration

	stripPrefix string
	request     *edit
	response    *edit

	sticky   *sticky // nil: clients do not stay with an upstream
	fallback *target // gets what the pool cannot take; it has none itself
	instead  *instead

	requests *metrics.Request
}

// targets makes targets from one set of settings. What a pool's targets share
// (the strategy with its state, the retry budget) outlives a reload that does
// not change it.
type targets struct {
	server *Server
	cfg    *config.Config
	shared map[string]*shared
}

// shared is what all targets of one pool have in common.
type shared struct {
	name, hashOn string // of the strategy
	strategy     strategy.Strategy
	budget       *budget
}

// get returns the target with the one it falls back to.
func (s *targets) get(listener, name string, route *config.Route, where string) (*target, error) {
	t, err := s.one(listener, name, route, where)
	if err != nil {
		return nil, err
	}
	f := s.cfg.Pools[name].Fallback
	t.instead = newInstead(f)
	if f.Pool != "" {
		if t.fallback, err = s.one(listener, f.Pool, route, "pools."+name+".fallback.pool"); err != nil {
			return nil, err
		}
	}
	t.sticky, err = newSticky(name, s.cfg.Pools[name].Sticky, s.server.o.StickyKey)
	return t, err
}

func (s *targets) one(listener, name string, route *config.Route, where string) (*target, error) {
	cfg := s.cfg.Pools[name]
	p := s.server.o.Pools(name)
	if cfg == nil || p == nil {
		return nil, fmt.Errorf("%s: pool %q does not exist; name one of the pools", where, name)
	}
	common, err := s.share(name, cfg)
	if err != nil {
		return nil, fmt.Errorf("pools.%s: %w", name, err)
	}
	t := &target{
		name: name, pool: p, strategy: common.strategy, budget: common.budget, retry: newRetryRule(cfg.Retry),
		connect: cfg.Timeouts.Connect.Std(), firstByte: cfg.Timeouts.FirstByte.Std(),
		responseIdle: cfg.Timeouts.ResponseIdle.Std(), queueTimeout: cfg.Queue.Timeout.Std(),
		requests: s.server.metrics.Request(listener, name),
		links:    newLinker(s.server, name),
	}
	if strategy.NeedsHash(cfg.Strategy) {
		if t.hash, err = newHashOn(cfg.HashOn); err != nil {
			return nil, fmt.Errorf("pools.%s.hashOn: %w", name, err)
		}
	}
	if route == nil {
		return t, nil
	}
	if d := route.Timeouts.FirstByte; d != nil {
		t.firstByte = d.Std()
	}
	if d := route.Timeouts.ResponseIdle; d != nil {
		t.responseIdle = d.Std()
	}
	t.total, t.stripPrefix = route.Timeouts.Total.Std(), route.StripPrefix
	if t.request, err = newEdit(where+".headers.request", route.Headers.Request); err != nil {
		return nil, err
	}
	t.response, err = newEdit(where+".headers.response", route.Headers.Response)
	return t, err
}

// share returns what targets of the pool have in common, kept from the settings
// before where it is the same.
func (s *targets) share(name string, cfg *config.Pool) (*shared, error) {
	if sh := s.shared[name]; sh != nil {
		return sh, nil
	}
	sh := &shared{name: cfg.Strategy, hashOn: cfg.HashOn}
	if old := s.server.shared[name]; old != nil {
		sh.budget = old.budget
		if old.name == sh.name && old.hashOn == sh.hashOn {
			sh.strategy = old.strategy
		}
	}
	if sh.strategy == nil {
		var err error
		if sh.strategy, err = strategy.New(cfg); err != nil {
			return nil, err
		}
	}
	if sh.budget == nil {
		sh.budget = &budget{}
	}
	s.shared[name] = sh
	return sh, nil
}
