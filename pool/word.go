package pool

import "sync"

// word is what a worker's supervisor says of it to its prober.
type word struct {
	once sync.Once
	said chan struct{}
}

// SayReady tells the prober that the worker is ready without probes: by its own
// word, or since it is not probed. The prober makes it healthy when it has
// warmed it.
func (u *Upstream) SayReady() { u.word.once.Do(func() { close(u.word.said) }) }

// SaidReady is closed by SayReady.
func (u *Upstream) SaidReady() <-chan struct{} { return u.word.said }
