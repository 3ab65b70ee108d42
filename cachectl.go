package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/cache"
	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/healthcheck"
	"github.com/drover-proxy/drover/metrics"
	"github.com/drover-proxy/drover/pool"
)

// sharedCache is the cache of the workers with what fills and keeps it.
type sharedCache struct {
	store   *cache.Store
	service *cache.Service
	warmer  *cache.Warmer
	asks    []config.Warm // what of the settings workers are asked for
	file    string        // kept over restarts; "": not
}

// pusher sends frames over a hub that is made after the cache.
type pusher struct{ d *drover }

// Push implements cache.Pusher.
func (p pusher) Push(workerID string, frame []byte) bool { return p.d.hub.Push(workerID, frame) }

// buildCache makes the shared cache, where the settings want one, and fills it.
func (d *drover) buildCache() error {
	cfg := d.settings.Cache
	if !cfg.Enabled {
		return nil
	}
	store, err := cache.New(cache.Options{MaxBytes: int64(cfg.MaxBytes), MaxEntryBytes: int64(cfg.MaxEntryBytes), DefaultTTL: cfg.DefaultTTL.Std()})
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	asks := slices.DeleteFunc(slices.Clone(cfg.Warm), func(e config.Warm) bool { return e.Path == "" })
	d.cache = &sharedCache{store: store, service: cache.NewService(store, pusher{d}), warmer: warmer(store, cfg.Warm), asks: asks, file: cfg.File}
	if cfg.File != "" {
		if _, err := store.Load(cfg.File); err != nil { // what is good in it was taken
			d.log.Warn("read cache.file", zap.Error(err))
		}
	}
	if _, err := d.cache.warmer.Warm(false); err != nil {
		d.log.Warn("warm the cache", zap.Error(err))
	}
	return nil
}

// warmer takes what the settings name that needs no worker.
func warmer(store *cache.Store, entries []config.Warm) *cache.Warmer {
	w := &cache.Warmer{Store: store}
	for _, e := range entries {
		switch {
		case e.File != "":
			w.Files = append(w.Files, e.File)
		case e.Pool == "":
			item := cache.Item{Namespace: e.Namespace, Key: e.Key, Value: []byte(e.Value), EntryOptions: cache.EntryOptions{Tags: e.Tags}}
			if e.TTL != nil {
				if item.TTL = e.TTL.Std(); item.TTL == 0 {
					item.TTL = cache.Forever
				}
			}
			w.Items = append(w.Items, item)
		}
	}
	return w
}

// warmPaths are the paths that a worker of the pool is asked for before it gets
// requests.
func warmPaths(cfg config.Cache, pool string) []string {
	var paths []string
	for _, e := range cfg.Warm {
		if cfg.Enabled && e.Pool == pool && e.Path != "" {
			paths = append(paths, e.Path)
		}
	}
	return paths
}

// saveCache keeps the cache for the next start.
func (d *drover) saveCache() {
	if d.cache == nil || d.cache.file == "" {
		return
	}
	if _, err := d.cache.store.Save(d.cache.file); err != nil {
		d.log.Error("write cache.file", zap.Error(err))
	}
}

// cacheState is what a scrape sees of the cache; nil without one.
func (d *drover) cacheState() *metrics.CacheRow {
	if d.cache == nil {
		return nil
	}
	s := d.cache.store.Stats()
	row := &metrics.CacheRow{Bytes: s.Bytes, Entries: s.Entries}
	for _, n := range s.Namespaces {
		row.Namespaces = append(row.Namespaces, metrics.CacheNamespaceRow{
			Namespace: n.Name, Hits: n.Hits, Misses: n.Misses, Evictions: n.Evictions, Loads: n.Loads,
			LoadTime: time.Duration(n.LoadSeconds * float64(time.Second)),
		})
	}
	return row
}

// errNoCache answers whatever is asked of a cache that there is not.
var errNoCache = admin.Conflict("there is no shared cache; set cache.enabled: true in the settings and start drover anew")

// Cache is the shared cache in numbers.
func (b backend) Cache() (admin.CacheStats, error) {
	if b.d.cache == nil {
		return admin.CacheStats{}, errNoCache
	}
	s := b.d.cache.store.Stats()
	out := admin.CacheStats{Entries: s.Entries, Bytes: s.Bytes, MaxBytes: s.MaxBytes, MaxEntryBytes: s.MaxEntryBytes, Namespaces: []admin.CacheNamespace{}}
	for _, n := range s.Namespaces {
		out.Namespaces = append(out.Namespaces, admin.CacheNamespace(n))
	}
	return out, nil
}

// CacheEntry returns one entry.
func (b backend) CacheEntry(namespace, key string) (admin.CacheEntry, error) {
	if b.d.cache == nil {
		return admin.CacheEntry{}, errNoCache
	}
	v, ok := b.d.cache.store.Get(namespace, key)
	if !ok {
		return admin.CacheEntry{}, admin.NotFound("namespace %s has no key %s", namespace, key)
	}
	return admin.CacheEntry{Namespace: namespace, Key: key, Value: slices.Clone(v.JSON), TTLMS: v.TTL.Milliseconds()}, nil
}

// Purge removes entries.
func (b backend) Purge(what admin.PurgeRequest) (int, error) {
	if b.d.cache == nil {
		return 0, errNoCache
	}
	store := b.d.cache.store
	switch {
	case what.Key != "":
		if store.Delete(what.Namespace, what.Key) {
			return 1, nil
		}
		return 0, nil
	case what.Tag != "":
		return store.InvalidateTag(what.Namespace, what.Tag), nil
	case what.Namespace != "": // all of it, where there is no prefix
		return store.InvalidatePrefix(what.Namespace, what.Prefix), nil
	}
	removed := 0
	for _, n := range store.Stats().Namespaces {
		removed += store.InvalidatePrefix(n.Name, "")
	}
	return removed, nil
}

// Warm stores what the settings name.
func (b backend) Warm(ctx context.Context, replace bool) (admin.Warmed, error) {
	if b.d.cache == nil {
		return admin.Warmed{}, errNoCache
	}
	stored, err := b.d.cache.warmer.Warm(replace)
	warmed := admin.Warmed{Stored: stored, Problems: problems(err)}
	for _, e := range b.d.cache.asks {
		if err := b.d.askToWarm(ctx, e.Pool, e.Path); err != nil {
			warmed.Problems = append(warmed.Problems, fmt.Sprintf("pool %s: %v", e.Pool, err))
			continue
		}
		warmed.Requests++
	}
	return warmed, nil
}

// askToWarm asks one worker of a pool, which has answered this before it got
// requests, once more.
func (d *drover) askToWarm(ctx context.Context, name, path string) error {
	p := d.pool(name)
	if p == nil {
		return errors.New("it is no longer in the settings")
	}
	for _, u := range p.All() {
		if u.Spawned && u.State() == pool.Healthy {
			return healthcheck.NewWarming(path).Ask(ctx, healthcheck.Target{ID: u.ID, Network: u.Network, Address: u.Address})
		}
	}
	return errors.New("no worker of it is ready")
}

// problems lists the parts of a joined error.
func problems(err error) []string {
	out := []string{}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		for _, e := range joined.Unwrap() {
			out = append(out, problems(e)...)
		}
		return out
	}
	if err != nil {
		out = append(out, err.Error())
	}
	return out
}
