package config

// Cache is the memory that all workers share.
type Cache struct {
	// Whether there is one.
	Enabled bool `yaml:"enabled" reload:"restart"`
	// What all entries together may take; the ones that are used least make room.
	MaxBytes Size `yaml:"maxBytes" range:"1KB..1TB" reload:"restart"`
	// The largest entry.
	MaxEntryBytes Size `yaml:"maxEntryBytes" range:"1KB..16MB" reload:"restart"`
	// How long an entry is kept that is set without a time; 0 for as long as there is room.
	DefaultTTL Duration `yaml:"defaultTTL" reload:"restart"`
	// A file that entries are written to when drover stops and read from when it starts; empty for none.
	File string `yaml:"file" reload:"restart"`
	// What is put into the cache before workers get requests.
	Warm []Warm `yaml:"warm" reload:"restart"`
}

// Warm puts something into the cache: one entry, the entries of a file, or
// whatever a worker stores while it answers a request.
type Warm struct {
	// The namespace of the entry.
	Namespace string `yaml:"namespace,omitempty" reload:"restart"`
	// Its key.
	Key string `yaml:"key,omitempty" reload:"restart"`
	// Its value, anything that JSON can say.
	Value Value `yaml:"value,omitempty" reload:"restart"`
	// How long it is kept; 0 for as long as there is room.
	TTL *Duration `yaml:"ttl" reload:"restart"`
	// Tags that it can be removed by, with others.
	Tags []string `yaml:"tags,omitempty" reload:"restart"`
	// A file with such entries: a JSON list, or one in each line.
	File string `yaml:"file,omitempty" reload:"restart"`
	// The pool whose workers are asked, each when it starts, before it gets other requests.
	Pool string `yaml:"pool,omitempty" reload:"restart"`
	// The path that they are asked for; the answer has to be 2xx.
	Path string `yaml:"path,omitempty" reload:"restart"`
}
