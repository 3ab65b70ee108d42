package drover

import "context"

// CacheStats are the numbers of the whole shared cache; GET /api/v1/cache has more of them.
type CacheStats struct {
	Entries    int              `json:"entries"`
	Bytes      int64            `json:"bytes"`
	MaxBytes   int64            `json:"maxBytes"`
	Namespaces []NamespaceStats `json:"namespaces"`
}

// NamespaceStats are the numbers of one namespace; those that count are totals since drover began.
type NamespaceStats struct {
	Name        string  `json:"name"`
	Entries     int     `json:"entries"`
	Bytes       int64   `json:"bytes"`
	Hits        uint64  `json:"hits"`
	Misses      uint64  `json:"misses"`
	Sets        uint64  `json:"sets"` // with add and increment
	Evictions   uint64  `json:"evictions"`
	Expirations uint64  `json:"expirations"`
	Loads       uint64  `json:"loads"`       // values that GetOrSet computed
	LoadSeconds float64 `json:"loadSeconds"` // in all
	SharedLoads uint64  `json:"sharedLoads"` // who waited and got the value that another one computed
}

// Stats returns the numbers of the whole cache.
func (k *Cache) Stats(ctx context.Context) (CacheStats, error) {
	return readAs[CacheStats](k.do(ctx, line(`["stats"`)))
}
