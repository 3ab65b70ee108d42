package process

// Options say what a Spawner does beside starting and waiting. Drover uses all of it; a test that
// starts programs by other means, too, does without.
type Options struct {
	Guardian  bool // a second process kills all trees when this one was killed
	Subreaper bool // orphans become children of this process; as PID 1 they do anyway
}
