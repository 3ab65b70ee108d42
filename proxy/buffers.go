package proxy

import "sync"

// relayBuffers lends the memory in which streamed bodies are passed on.
type relayBuffers struct{ pool sync.Pool }

func (r *relayBuffers) take() *[relaySize]byte {
	if b, ok := r.pool.Get().(*[relaySize]byte); ok {
		return b
	}
	return new([relaySize]byte)
}

func (r *relayBuffers) give(b *[relaySize]byte) { r.pool.Put(b) }
