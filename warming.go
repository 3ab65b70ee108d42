package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// warming asks a worker of one pool for the paths of cache.warm, so that it
// stores what others will need: the first one that is well after drover's start,
// and the first one of each rolling restart. Until it has answered no new worker
// of the pool gets requests; those of the release before serve meanwhile. All
// methods may be called concurrently.
type warming struct {
	paths  []string
	within func() time.Duration // how long all answers may take
	roll   func() string        // the rolling restart that is going on, or ""
	fault  func(error)          // is told what could not be done: the workers are let in all the same

	mu    sync.Mutex
	run   func(func()) // runs something in the background; nil: not any more
	ctx   context.Context
	begun bool   // once, at the start
	last  string // the rolling restart that was last warmed for
	busy  bool
}

// warmPaths are the paths that the settings want workers of a pool to be asked for.
func warmPaths(c config.Cache, pool string) (paths []string) {
	if !c.Enabled {
		return nil
	}
	for _, w := range c.Warm {
		if w.Pool == pool {
			paths = append(paths, w.Path)
		}
	}
	return paths
}

// start lets the warming run things in the background, until ctx is done.
func (w *warming) start(ctx context.Context, run func(func())) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ctx, w.run = ctx, run
}

// admit is asked of each worker that is well and gets no requests yet, until it
// says that it may have some. It never waits.
func (w *warming) admit(u *pool.Upstream) bool {
	roll := w.roll()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.begun && (roll == "" || roll == w.last) || w.run == nil {
		return !w.busy
	}
	w.begun, w.last, w.busy = true, roll, true
	w.run(func() { w.ask(u) })
	return false
}

// ask asks one worker for all paths.
func (w *warming) ask(u *pool.Upstream) {
	ctx, cancel := context.WithTimeout(w.ctx, w.within())
	defer cancel()
	for _, path := range w.paths {
		if err := askToWarm(ctx, u, path); err != nil && w.ctx.Err() == nil {
			w.fault(err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = false
}

// askToWarm asks a worker for one path. What it answers does not matter, as long
// as it is no error.
func askToWarm(ctx context.Context, u *pool.Upstream, path string) error {
	if err := visit(ctx, u, path); err != nil {
		return fmt.Errorf("warm the cache: %s of %s: %w", path, u.ID, err)
	}
	return nil
}

func visit(ctx context.Context, u *pool.Upstream, path string) error {
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, u.Network, u.Address)
		}},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", "drover-cache-warm")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close() // read to its end, or err says why not
	if err == nil && answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("the answer has status %d", answer.StatusCode)
	}
	return err
}

// warmByWorkers asks a worker of each pool that the settings name, and returns
// how many answered well.
func (d *drover) warmByWorkers(ctx context.Context) (answered int, faults []error) {
	for _, w := range d.current().Cache.Warm {
		if w.Pool == "" {
			continue
		}
		u := d.someWorker(w.Pool)
		if u == nil {
			faults = append(faults, fmt.Errorf("warm the cache: %s: pool %s has no worker that is ready", w.Path, w.Pool))
		} else if err := askToWarm(ctx, u, w.Path); err != nil {
			faults = append(faults, err)
		} else {
			answered++
		}
	}
	return answered, faults
}

// someWorker is a worker of a pool that takes requests, or nil.
func (d *drover) someWorker(name string) *pool.Upstream {
	p := d.pool(name)
	if p == nil {
		return nil
	}
	ups := p.Snapshot().Upstreams
	if i := slices.IndexFunc(ups, func(u *pool.Upstream) bool { return u.Spawned }); i >= 0 {
		return ups[i]
	}
	return nil
}
