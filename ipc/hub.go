package ipc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/drover-proxy/drover/event"
)

// maxSocketPath is the longest path a Unix socket may have on every system we
// build for (104 bytes with the closing zero on Darwin, 108 on Linux).
const maxSocketPath = 103

// ErrClosed is returned by Open after Close.
var ErrClosed = errors.New("the message hub is closed")

// Hub opens the channel of each worker. All methods may be called concurrently.
type Hub struct {
	dir string
	bus *event.Bus

	mu     sync.Mutex
	closed bool
	serial int // names notify sockets; ids could be too long for a socket path
	open   map[*Endpoint]struct{}
}

// NewHub returns a hub whose notify sockets live in dir, which it makes with
// mode 0700 when it is missing. bus may be nil.
func NewHub(dir string, bus *event.Bus) (*Hub, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of notify sockets: %w", err)
	}
	if longest := filepath.Join(dir, "n999999"); len(longest) > maxSocketPath {
		return nil, fmt.Errorf("notify sockets cannot live in %s: with %d bytes their paths are longer than a Unix socket's may be (%d); use a shorter run folder",
			dir, len(longest), maxSocketPath)
	}
	return &Hub{dir: dir, bus: bus, open: make(map[*Endpoint]struct{})}, nil
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
	var err error
	for _, e := range left {
		err = errors.Join(err, e.Close())
	}
	return err
}

// forget drops a closed endpoint.
func (h *Hub) forget(e *Endpoint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, e)
}
