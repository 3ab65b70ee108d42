package admin

import (
	"encoding/json"
	"net/http"
)

// CacheStats is the body of GET /api/v1/cache; what counts are totals since
// drover started.
type CacheStats struct {
	Entries       int              `json:"entries"`
	Bytes         int64            `json:"bytes"` // with what keeping the entries costs
	MaxBytes      int64            `json:"maxBytes"`
	MaxEntryBytes int64            `json:"maxEntryBytes"`
	Namespaces    []CacheNamespace `json:"namespaces"`
}

// CacheNamespace is one namespace of the cache.
type CacheNamespace struct {
	Name    string `json:"name"`
	Entries int    `json:"entries"`
	Bytes   int64  `json:"bytes"`

	Hits        uint64 `json:"hits"`
	Misses      uint64 `json:"misses"`
	Sets        uint64 `json:"sets"`
	Deletes     uint64 `json:"deletes"`
	Invalidated uint64 `json:"invalidated"` // entries, by tag or prefix
	Evictions   uint64 `json:"evictions"`   // to make room
	Expirations uint64 `json:"expirations"`

	Loads       uint64  `json:"loads"`       // values computed under a lease
	LoadSeconds float64 `json:"loadSeconds"` // that this took in all
	LostLoads   uint64  `json:"lostLoads"`   // leases that ended without a value
	SharedLoads uint64  `json:"sharedLoads"` // workers that waited and got the value of another's lease
	Leases      int     `json:"leases"`      // now
	Waiting     int     `json:"waiting"`     // now

	Copying int    `json:"copying"` // workers that keep near copies, now
	Drops   uint64 `json:"drops"`   // frames that told one what to drop
	Resyncs uint64 `json:"resyncs"` // times that one had to drop everything
}

// CacheEntry is the body of GET /api/v1/cache/entry.
type CacheEntry struct {
	Namespace string          `json:"namespace"`
	Key       string          `json:"key"`
	Value     json.RawMessage `json:"value"`
	TTLMS     int64           `json:"ttlMs,omitempty"` // what is left of its time; missing: no end
}

// PurgeRequest is the body of POST /api/v1/cache/purge: one of key, tag, prefix
// and all.
type PurgeRequest struct {
	Namespace string `json:"namespace,omitempty"`
	Key       string `json:"key,omitempty"`
	Tag       string `json:"tag,omitempty"`
	Prefix    string `json:"prefix,omitempty"` // of keys
	All       bool   `json:"all,omitempty"`    // of the namespace; without one, of the cache
}

// Purged is the answer.
type Purged struct {
	Removed int `json:"removed"`
}

// WarmRequest is the body of POST /api/v1/cache/warm.
type WarmRequest struct {
	Replace bool `json:"replace"` // also what is in the cache already
}

// Warmed is the answer.
type Warmed struct {
	Stored   int      `json:"stored"`   // entries of the settings and of files
	Requests int      `json:"requests"` // that workers answered well
	Problems []string `json:"problems"` // what could not be used; the rest was
}

func (s *Server) cache(w http.ResponseWriter, _ *http.Request) error {
	stats, err := s.backend.Cache()
	if err != nil {
		return err
	}
	stats.Namespaces = listed(stats.Namespaces)
	return reply(w, http.StatusOK, stats)
}

func (s *Server) cacheEntry(w http.ResponseWriter, r *http.Request) error {
	namespace, key := r.URL.Query().Get("namespace"), r.URL.Query().Get("key")
	if namespace == "" || key == "" {
		return badRequest("name the entry: ?namespace=users&key=7")
	}
	e, err := s.backend.CacheEntry(namespace, key)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, e)
}

func (s *Server) purge(w http.ResponseWriter, r *http.Request) error {
	var body PurgeRequest
	if err := decode(r, &body); err != nil {
		return err
	}
	if err := body.check(); err != nil {
		return err
	}
	removed, err := s.backend.Purge(body)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, Purged{Removed: removed})
}

// check refuses what names nothing, or two things.
func (b PurgeRequest) check() error {
	named := 0
	for _, is := range []bool{b.Key != "", b.Tag != "", b.Prefix != "", b.All} {
		if is {
			named++
		}
	}
	switch {
	case named != 1:
		return badRequest(`the body must say what goes, in one way: {"namespace": "users", "key": "7"}, or tag, or prefix, or "all": true`)
	case b.Namespace == "" && !b.All:
		return badRequest(`the body must name the namespace: {"namespace": "users", …}`)
	}
	return nil
}

func (s *Server) warm(w http.ResponseWriter, r *http.Request) error {
	var body WarmRequest
	if err := decode(r, &body); err != nil {
		return err
	}
	patient(w)
	warmed, err := s.backend.Warm(r.Context(), body.Replace)
	if err != nil {
		return err
	}
	warmed.Problems = listed(warmed.Problems)
	return reply(w, http.StatusOK, warmed)
}
