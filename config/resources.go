package config

// Resources bound what each worker of a pool may use; 0 means no limit.
type Resources struct {
	// Memory that a worker, with all that it starts, may use; one that uses more is killed.
	MaxMemoryPerWorker Size `yaml:"maxMemoryPerWorker" range:"0..64TB" reload:"roll"`
	// What is done before a worker reaches maxMemoryPerWorker.
	MemoryManagement MemoryManagement `yaml:"memoryManagement"`
}

// MemoryManagement is what is done about a worker that uses much memory, before
// it reaches MaxMemoryPerWorker. Without that all but MemoryLeakDetection has no effect.
type MemoryManagement struct {
	// Whether anything is done; when not, maxMemoryPerWorker still holds.
	Enabled bool `yaml:"enabled" reload:"apply"`
	// The share of maxMemoryPerWorker from which a worker's use is told of.
	MemoryWarningThreshold Percent `yaml:"memoryWarningThreshold" range:"1%..100%" reload:"apply"`
	// The share of maxMemoryPerWorker from which a worker is replaced, the replacement first.
	MemoryCriticalThreshold Percent `yaml:"memoryCriticalThreshold" range:"1%..100%" reload:"apply"`
	// Whether workers whose memory leaks are told of, and replaced in the hour before they reach their limit.
	MemoryLeakDetection bool `yaml:"memoryLeakDetection" reload:"apply"`
	// Whether a worker above memoryWarningThreshold is asked to collect its garbage.
	GarbageCollectionHint bool `yaml:"garbageCollectionHint" reload:"apply"`
}
