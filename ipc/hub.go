package ipc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/drover-proxy/drover/event"
)

// maxSocketPath is the longest path a Unix socket may have on every system we
// build for (104 bytes with the closing zero on Darwin, 108 on Linux).
const maxSocketPath = 103

// ErrClosed is returned by Open after Close.
var ErrClosed = errors.New("the message hub is closed")

// Hub opens the channel of each worker and passes messages between them. All
// methods may be called concurrently.
type Hub struct {
	dir     string
	bus     *event.Bus
	options Options
	links   *links

	deadlines deadlines

	present atomic.Pointer[roster]
	sealing sync.Mutex // while drover itself encrypts and hands over

	mu     sync.Mutex
	closed bool
	serial int // names notify sockets; ids could be too long for a socket path
	open   map[*Endpoint]struct{}
}

// NewHub returns a hub whose sockets live in dir, which it makes with mode 0700
// when it is missing.
func NewHub(dir string, options Options) (*Hub, error) {
	options.complete()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of notify sockets: %w", err)
	}
	if longest := filepath.Join(dir, "n999999"); len(longest) > maxSocketPath {
		return nil, fmt.Errorf("notify sockets cannot live in %s: with %d bytes their paths are longer than a Unix socket's may be (%d); use a shorter run folder",
			dir, len(longest), maxSocketPath)
	}
	h := &Hub{dir: dir, bus: options.Bus, options: options, open: make(map[*Endpoint]struct{})}
	h.present.Store(&roster{})
	var err error
	h.links, err = listenLinks(h, filepath.Join(dir, "ipc"))
	return h, err
}

// Run passes events on to workers that subscribed to them until ctx is done.
func (h *Hub) Run(ctx context.Context) error {
	events, cancel := h.follow()
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-events:
			h.spread(e)
		}
	}
}

// Open makes the two sockets of a worker and begins to read them.
func (h *Hub) Open(workerID string) (*Endpoint, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	h.serial++
	e, err := openEndpoint(h, workerID, filepath.Join(h.dir, "n"+strconv.Itoa(h.serial)))
	if err != nil {
		return nil, err
	}
	h.open[e] = struct{}{}
	h.present.Store(h.present.Load().with(e))
	h.links.expect(e)
	e.listen()
	return e, nil
}

// Close closes the endpoints that are still open; Open fails from now on.
func (h *Hub) Close() error {
	h.mu.Lock()
	h.closed = true
	left := make([]*Endpoint, 0, len(h.open))
	for e := range h.open {
		left = append(left, e)
	}
	h.mu.Unlock()
	h.deadlines.stop()
	err := h.links.close()
	for _, e := range left {
		err = errors.Join(err, e.Close())
	}
	return err
}

// leave takes a worker out of those that messages go to.
func (h *Hub) leave(e *Endpoint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.present.Store(h.present.Load().without(e))
}

// join puts one back that was taken out.
func (h *Hub) join(e *Endpoint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.present.Store(h.present.Load().without(e).with(e))
}

// forget drops a closed endpoint.
func (h *Hub) forget(e *Endpoint) {
	h.links.forget(e)
	if h.options.Keys != nil {
		h.options.Keys.Forget(e.id)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, e)
}

// roster is the workers that have a channel, in the order in which they came.
// It is immutable: the hub publishes a new one on every change.
type roster struct {
	all   []*Endpoint
	pools []string // sorted
}

func (r *roster) with(e *Endpoint) *roster { return newRoster(append(slices.Clone(r.all), e)) }

func (r *roster) without(e *Endpoint) *roster {
	return newRoster(slices.DeleteFunc(slices.Clone(r.all), func(other *Endpoint) bool { return other == e }))
}

func newRoster(all []*Endpoint) *roster {
	r := &roster{all: all}
	for _, e := range all {
		r.pools = append(r.pools, e.place.pool)
	}
	slices.Sort(r.pools)
	r.pools = slices.Compact(r.pools)
	return r
}

// has says whether there are workers of the pool.
func (r *roster) has(pool string) bool { return slices.Contains(r.pools, pool) }

// find returns the worker with the id, or the newest one of the slot.
func (r *roster) find(id string) *Endpoint {
	at := parsePlace(id)
	var found *Endpoint
	for _, e := range r.all {
		if e.place.pool != at.pool || e.place.slot != at.slot || at.generation > 0 && e.place.generation != at.generation {
			continue
		}
		if found == nil || newer(e, found) {
			found = e
		}
	}
	return found
}

// newer prefers a worker that takes part, then the later generation.
func newer(a, b *Endpoint) bool {
	if at, bt := a.takesPart(), b.takesPart(); at != bt {
		return at
	}
	return a.place.generation > b.place.generation
}
