package exchange

import "sync"

// Buffers lends the memory that exchanges work in. The zero value is ready;
// it is safe for concurrent use. Give one to all clients.
type Buffers struct {
	large, small sync.Pool
	// Pipes lends pipes for bodies that the kernel moves.
	Pipes Pipes
}

const (
	// largeSize takes a head of the largest size allowed, and a response of
	// 64 KB with its head in one read.
	largeSize = 72 << 10
	// smallSize keeps the head of a response whose body is streamed.
	smallSize = 4 << 10
)

type (
	largeBuffer [largeSize]byte
	smallBuffer [smallSize]byte
)

func (b *Buffers) takeLarge() *largeBuffer {
	if v, ok := b.large.Get().(*largeBuffer); ok {
		return v
	}
	return new(largeBuffer)
}

func (b *Buffers) takeSmall() *smallBuffer {
	if v, ok := b.small.Get().(*smallBuffer); ok {
		return v
	}
	return new(smallBuffer)
}

func (b *Buffers) giveBack(m *memory) {
	if m.large != nil {
		b.large.Put(m.large)
	}
	if m.small != nil {
		b.small.Put(m.small)
	}
	m.large, m.small, m.buf, m.n = nil, nil, nil, 0
	clear(m.head.fields[:cap(m.head.fields)]) // they point into the buffer
	m.head.begin()
}
