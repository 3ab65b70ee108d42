package main

import (
	"context"

	"github.com/drover-proxy/drover/admin"
)

// errNoCache answers whatever is asked of a cache that there is not.
var errNoCache = admin.Conflict("there is no shared cache; set cache.enabled: true in the settings and start drover anew")

// Cache is the shared cache in numbers.
func (b backend) Cache() (admin.CacheStats, error) { return admin.CacheStats{}, errNoCache }

// CacheEntry returns one entry.
func (b backend) CacheEntry(string, string) (admin.CacheEntry, error) {
	return admin.CacheEntry{}, errNoCache
}

// Purge removes entries.
func (b backend) Purge(admin.PurgeRequest) (int, error) { return 0, errNoCache }

// Warm stores what the settings name.
func (b backend) Warm(context.Context, bool) (admin.Warmed, error) { return admin.Warmed{}, errNoCache }
